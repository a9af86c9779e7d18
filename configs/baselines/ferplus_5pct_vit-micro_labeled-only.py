# The same labels, without mixing and without unlabeled images.
_base_ = ['../ssfer/ferplus_5pct_vit-micro.py']

data_preprocessor = dict(facemix=None)
train_cfg = dict(semi=None)
