# Labeled images only, plain Mixup.
_base_ = ['../ssfer/rafdb_25pct.py']

data_preprocessor = dict(facemix=dict(real_weight=0))
train_cfg = dict(semi=None)
