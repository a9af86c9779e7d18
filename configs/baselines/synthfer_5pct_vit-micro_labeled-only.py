# The same labels, without mixing and without unlabeled images, for as many labeled steps as both
# stages of SSFER take together (6 x 80 + 29 x 20).
_base_ = ['../ssfer/synthfer_5pct_vit-micro.py']

data_preprocessor = dict(facemix=None)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=10, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=10,
        T_max=167,
        end=177,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
train_cfg = dict(supervised=dict(epochs=177), semi=None, val_interval=20)
