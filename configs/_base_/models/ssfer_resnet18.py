# ssfer_resnet-micro.py at the usual width (11.2 M weights), for a GPU: the first stage keeps all 48 x 48 pixels.
_base_ = ['./ssfer_resnet-micro.py']

model = dict(
    classifier=dict(
        backbone=dict(stem_channels=64, base_channels=64, strides=(1, 2, 2, 2)),
        head=dict(in_channels=512)))
