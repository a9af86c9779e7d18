# Labeled images only, plain Mixup.
_base_ = ['../ssfer/synthfer_5pct_vit-micro.py']

data_preprocessor = dict(facemix=dict(real_weight=0))
train_cfg = dict(semi=None)
