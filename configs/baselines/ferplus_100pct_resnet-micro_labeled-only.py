# All labels of FERPlus from random weights, no unlabeled images: the recogniser that ssfer_mm ships.
_base_ = [
    '../_base_/models/ssfer_resnet-micro.py',
    '../_base_/datasets/ferplus_48px.py',
    '../_base_/schedules/ssfer_two-stage_resnet_100e.py',
    '../_base_/default_runtime.py',
]

data_preprocessor = dict(facemix=None)
train_dataloader = dict(batch_size=64, dataset=dict(split=dict(fraction=1.0)))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=1, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=1,
        T_max=29,
        end=30,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
train_cfg = dict(supervised=dict(epochs=30), semi=None, val_interval=5)
