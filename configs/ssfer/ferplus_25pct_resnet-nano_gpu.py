# SSFER on 25 % of FERPlus for a GPU: ResNet-nano (0.7 M weights) whose first stage keeps all 48 x 48
# pixels, views made in batches on the GPU, milder crops than the paper's.
_base_ = [
    '../_base_/models/ssfer_resnet-nano.py',
    '../_base_/datasets/ferplus_48px_device-views.py',
    '../_base_/schedules/ssfer_two-stage_resnet_gpu.py',
    '../_base_/default_runtime.py',
]

model = dict(classifier=dict(backbone=dict(strides=(1, 2, 2, 2))))
train_dataloader = dict(batch_size=128)
data_preprocessor = dict(views=dict(crop_ratio_range=(0.7, 1.0)))
