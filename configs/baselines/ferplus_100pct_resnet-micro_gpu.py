# All labels of FERPlus, as votes, from random weights, no unlabeled images: the recognizer that ssfer_mm ships,
# two and a half minutes of a GPU.
_base_ = ['../ssfer/ferplus_25pct_resnet-micro_gpu.py']

data_preprocessor = dict(facemix=None)
train_dataloader = dict(dataset=dict(split=dict(fraction=1.0)))
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
train_cfg = dict(supervised=dict(epochs=30), semi=None)
