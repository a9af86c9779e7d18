# FixMatch: no supervised stage, and the student makes its own pseudo-labels.
_base_ = ['../ssfer/ferplus_25pct.py']

data_preprocessor = dict(facemix=None)
model = dict(pseudo_labels_from='student')
train_cfg = dict(supervised=None)
