# ferplus_25pct_resnet-micro.py with all 48 x 48 pixels in the first stage, in bfloat16, and fifteen epochs of
# stage III that leave rejected images out: the best recipe for two CPU cores that have AMX. First stage I:
#   python tools/train.py configs/mae/spark_resnet-micro_faces-48px_bf16.py
_base_ = [
    '../_base_/models/ssfer_resnet-micro.py',
    '../_base_/datasets/ferplus_48px_mild-crops.py',
    '../_base_/schedules/ssfer_two-stage_resnet_bf16.py',
    '../_base_/default_runtime.py',
]

model = dict(
    pretrained='work_dirs/spark_resnet-micro_faces-48px_bf16/epoch_12.pth',
    skip_rejected=True,
    classifier=dict(backbone=dict(strides=(1, 2, 2, 2))))
train_dataloader = dict(dataset=dict(dataset=dict(targets='votes')))
