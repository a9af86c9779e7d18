# spark_resnet-micro_faces-48px.py with all 48 x 48 pixels in the first stage, in bfloat16: for two CPU cores that
# have AMX, where four times the arithmetic takes 45 minutes. Then configs/ssfer/ferplus_25pct_resnet-micro_bf16.py.
_base_ = ['./spark_resnet-micro_faces-48px.py']

model = dict(
    downsample_raito=8,
    backbone=dict(strides=(1, 2, 2, 2), out_indices=(1, 2, 3)),
    neck=dict(feature_dim=64, upsample_ratio=8),
    head=dict(patch_size=8))
optim_wrapper = dict(type='BFloat16OptimWrapper')
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=1, T_max=11, end=12, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=12)
