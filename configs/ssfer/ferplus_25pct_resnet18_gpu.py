# SSFER on 25 % of FERPlus at 48 px with 11.2 M weights and the votes of FER+ instead of their winner: the best recipe
# for one GPU, seven minutes (RESULTS.md). First stage I:
#   python tools/train.py configs/mae/spark_resnet18_faces-48px_gpu.py
_base_ = [
    '../_base_/models/ssfer_resnet18.py',
    '../_base_/datasets/ferplus_48px_device-views.py',
    '../_base_/schedules/ssfer_two-stage_resnet18_gpu.py',
    '../_base_/default_runtime.py',
]

model = dict(pretrained='work_dirs/spark_resnet18_faces-48px_gpu/epoch_42.pth')
train_dataloader = dict(batch_size=128, dataset=dict(dataset=dict(targets='votes')))
data_preprocessor = dict(views=dict(crop_ratio_range=(0.7, 1.0)))
