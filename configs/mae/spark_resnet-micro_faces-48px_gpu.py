# The same for a GPU: the first stage keeps all 48 x 48 pixels, so that cells are of 8 pixels and 14 of the 36
# are shown; more epochs, of large batches, in bfloat16.
_base_ = ['./spark_resnet-micro_faces-48px.py']

model = dict(
    downsample_raito=8,
    backbone=dict(strides=(1, 2, 2, 2), out_indices=(1, 2, 3)),
    neck=dict(upsample_ratio=8),
    head=dict(patch_size=8))
train_dataloader = dict(batch_size=256, num_workers=4)
optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    constructor='MergedGroupsConstructor',
    optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=2, T_max=28, end=30, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=30)
auto_scale_lr = dict(base_batch_size=256)
default_hooks = dict(checkpoint=dict(interval=10))
