# All labels of FERPlus after stage I, no mixing, no unlabeled images: the ceiling of ferplus_5pct_resnet-micro.py.
_base_ = ['../ssfer/ferplus_25pct_resnet-micro.py']

data_preprocessor = dict(facemix=None)
train_dataloader = dict(dataset=dict(split=dict(fraction=1.0)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=1, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=1,
        T_max=11,
        end=12,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
train_cfg = dict(supervised=dict(epochs=12), semi=None)
