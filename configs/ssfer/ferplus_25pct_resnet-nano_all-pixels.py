# ferplus_25pct_resnet-micro.py at half the width (0.7 M weights) with all 48 x 48 pixels in the first stage,
# which costs as much. First, for an hour, stage I:
#   python tools/train.py configs/mae/spark_resnet-nano_faces-48px_all-pixels.py
_base_ = ['./ferplus_25pct_resnet-micro.py']

model = dict(
    pretrained='work_dirs/spark_resnet-nano_faces-48px_all-pixels/epoch_6.pth',
    classifier=dict(
        backbone=dict(stem_channels=16, base_channels=16, strides=(1, 2, 2, 2)),
        head=dict(in_channels=128)))
