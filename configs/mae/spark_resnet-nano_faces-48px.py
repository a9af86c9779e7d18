# Stage I of a small residual network (SparK instead of MAE) on the training faces of FERPlus: an hour of one
# core. Twelve epochs of small batches already show in stage II (RESULTS.md); then
# configs/ssfer/ferplus_5pct_resnet-nano.py.
_base_ = [
    '../_base_/models/spark_resnet-nano.py',
    '../_base_/datasets/faces_unlabeled_48px.py',
    '../_base_/schedules/mae_micro.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(batch_size=64, dataset=dict(data_root=['data/ferplus/FER2013Train']))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=1, T_max=11, end=12, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=12)
auto_scale_lr = dict(base_batch_size=64)
custom_hooks = [dict(type='ChannelsLastHook')]
