# The same for the network of half the width: an hour of one core.
_base_ = ['./spark_resnet-micro_faces-48px.py']

model = dict(
    enc_dec_norm_dim=128,
    backbone=dict(stem_channels=16, base_channels=16),
    neck=dict(feature_dim=64))
