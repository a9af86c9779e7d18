# FixMatch: no supervised stage, and the student makes its own pseudo-labels, with SSFER's threshold
# and weight (FixMatch's own on CIFAR-10: 0.95 and 1).
_base_ = ['../ssfer/rafdb_25pct.py']

data_preprocessor = dict(facemix=None)
model = dict(pseudo_labels_from='student')
train_cfg = dict(supervised=None)
