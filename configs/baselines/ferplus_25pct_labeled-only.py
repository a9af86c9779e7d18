# The same labels, without mixing and without unlabeled images.
_base_ = ['../ssfer/ferplus_25pct.py']

data_preprocessor = dict(facemix=None)
train_cfg = dict(semi=None)
