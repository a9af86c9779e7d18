# ferplus_5pct_resnet-micro.py, its views made in whole batches on the device of the model.
_base_ = [
    '../_base_/models/ssfer_resnet-micro.py',
    '../_base_/datasets/ferplus_48px_device-views.py',
    '../_base_/schedules/ssfer_two-stage_resnet-micro.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(split=dict(fraction=0.05)))
