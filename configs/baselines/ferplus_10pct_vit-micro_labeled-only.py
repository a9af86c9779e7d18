# The same labels, without mixing and without unlabeled images, for as many labeled steps as both
# stages of SSFER take together (88 x 60 + 199 x 8).
_base_ = ['../ssfer/ferplus_10pct_vit-micro.py']

data_preprocessor = dict(facemix=None)
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=5, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=5,
        T_max=73,
        end=78,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
train_cfg = dict(supervised=dict(epochs=78), semi=None)
