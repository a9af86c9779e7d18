# The same for the network of half the width. Twelve epochs are an hour of one core; what small batches learn
# in them already shows in stage II (RESULTS.md).
_base_ = ['./spark_resnet-micro_faces-48px.py']

model = dict(
    enc_dec_norm_dim=128,
    backbone=dict(stem_channels=16, base_channels=16),
    neck=dict(feature_dim=64))

train_dataloader = dict(batch_size=64)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=1, T_max=11, end=12, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=12)
