# ssfer_resnet-micro.py at half its width: 0.7 M weights, a stage of a training in minutes of one core.
_base_ = ['./ssfer_resnet-micro.py']

model = dict(
    classifier=dict(
        backbone=dict(stem_channels=16, base_channels=16), head=dict(in_channels=128)))
