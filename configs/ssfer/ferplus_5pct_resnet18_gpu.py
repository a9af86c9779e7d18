# ferplus_25pct_resnet18_gpu.py with fewer labels, each seen more often.
_base_ = ['./ferplus_25pct_resnet18_gpu.py']

train_dataloader = dict(dataset=dict(split=dict(fraction=0.05)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=5, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=5, T_max=85, end=90, eta_min=1e-5, convert_to_iter_based=True),
]
train_cfg = dict(supervised=dict(epochs=90))
