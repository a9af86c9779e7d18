# SSFER on 25 % of FERPlus at 48 px with 2.8 M weights and the votes of FER+ instead of their winner, on two
# CPU cores. Better for as much arithmetic: ferplus_25pct_resnet-nano_all-pixels.py (RESULTS.md). First, for an hour,
# stage I:
#   python tools/train.py configs/mae/spark_resnet-micro_faces-48px.py
_base_ = [
    '../_base_/models/ssfer_resnet-micro.py',
    '../_base_/datasets/ferplus_48px_mild-crops.py',
    '../_base_/schedules/ssfer_two-stage_resnet_18e.py',
    '../_base_/default_runtime.py',
]

model = dict(pretrained='work_dirs/spark_resnet-micro_faces-48px/epoch_6.pth')
train_dataloader = dict(dataset=dict(dataset=dict(targets='votes')))
