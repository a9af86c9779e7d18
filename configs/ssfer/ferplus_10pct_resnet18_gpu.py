# ferplus_25pct_resnet18_gpu.py with fewer labels, each seen more often.
_base_ = ['./ferplus_25pct_resnet18_gpu.py']

train_dataloader = dict(dataset=dict(split=dict(fraction=0.1)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=5, T_max=45, end=50, eta_min=1e-5, convert_to_iter_based=True),
]
train_cfg = dict(supervised=dict(epochs=50))
