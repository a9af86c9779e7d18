# Stage I of ferplus_5pct_resnet-micro.py: twice the width of spark_resnet-nano_faces-48px.py, faces13k too, an hour
# of two CPU cores.
_base_ = [
    '../_base_/models/spark_resnet-micro.py',
    '../_base_/datasets/faces_unlabeled_48px.py',
    '../_base_/schedules/mae_micro.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(
    batch_size=64,
    dataset=dict(data_root=['data/ferplus/FER2013Train', 'data/faces13k/images']))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=1, T_max=5, end=6, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=6)
auto_scale_lr = dict(base_batch_size=64)
custom_hooks = [dict(type='ChannelsLastHook')]
