# ferplus_25pct_resnet-nano.py with fewer labels, each seen more often.
_base_ = [
    '../_base_/models/ssfer_resnet-nano.py',
    '../_base_/datasets/ferplus_48px_mild-crops.py',
    '../_base_/schedules/ssfer_two-stage_resnet_37e.py',
    '../_base_/default_runtime.py',
]

model = dict(pretrained='work_dirs/spark_resnet-nano_faces-48px/epoch_12.pth')
train_dataloader = dict(dataset=dict(split=dict(fraction=0.1)))
