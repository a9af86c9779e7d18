# SSFER on 25 % of FERPlus at 48 px with 0.7 M weights: half an hour of one CPU core after stage I, which is
#   python tools/train.py configs/mae/spark_resnet-nano_faces-48px.py
_base_ = [
    '../_base_/models/ssfer_resnet-nano.py',
    '../_base_/datasets/ferplus_48px_mild-crops.py',
    '../_base_/schedules/ssfer_two-stage_resnet_18e.py',
    '../_base_/default_runtime.py',
]

model = dict(pretrained='work_dirs/spark_resnet-nano_faces-48px/epoch_12.pth')
