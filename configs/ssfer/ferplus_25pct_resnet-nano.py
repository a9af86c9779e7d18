# SSFER on 25 % of FERPlus at 48 px with a ResNet-18 of a quarter of the usual width (0.7 M weights): a
# stage takes minutes on one CPU core.
_base_ = ['./ferplus_25pct_resnet-micro.py']

model = dict(
    classifier=dict(
        backbone=dict(stem_channels=16, base_channels=16), head=dict(in_channels=128)))
