# spark_resnet-micro_faces-48px.py at half the width with all 48 x 48 pixels in the first stage, which costs as
# much: cells are of 8 pixels and 14 of the 36 are shown. Then
# configs/ssfer/ferplus_25pct_resnet-nano_all-pixels.py.
_base_ = ['./spark_resnet-micro_faces-48px.py']

model = dict(
    downsample_raito=8,
    enc_dec_norm_dim=128,
    backbone=dict(
        stem_channels=16, base_channels=16, strides=(1, 2, 2, 2), out_indices=(1, 2, 3)),
    neck=dict(feature_dim=64, upsample_ratio=8),
    head=dict(patch_size=8))
