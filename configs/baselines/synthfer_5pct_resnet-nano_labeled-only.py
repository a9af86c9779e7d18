# The same labels, without mixing and without unlabeled images, for as many labeled steps as both
# stages of SSFER take together (12 x 60 + 59 x 6).
_base_ = ['../ssfer/synthfer_5pct_resnet-nano.py']

data_preprocessor = dict(facemix=None)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=5, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=5,
        T_max=84,
        end=89,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
train_cfg = dict(supervised=dict(epochs=89), semi=None)
