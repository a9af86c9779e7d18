# All labels of FERPlus, no unlabeled images: the ceiling of the smallest residual network.
_base_ = ['./ferplus_100pct_resnet-micro_labeled-only.py']

model = dict(
    classifier=dict(
        backbone=dict(stem_channels=16, base_channels=16), head=dict(in_channels=128)))
