# spark_resnet-micro.py at half its width.
_base_ = ['./spark_resnet-micro.py']

model = dict(
    enc_dec_norm_dim=128,
    backbone=dict(stem_channels=16, base_channels=16),
    neck=dict(feature_dim=64))
