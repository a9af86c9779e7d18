# Stage I of a small residual network (SparK instead of MAE), on the training faces of FERPlus; then
# train stage II with model.pretrained=work_dirs/spark_resnet-micro_faces-48px/epoch_60.pth.
_base_ = [
    '../_base_/models/spark_resnet-micro.py',
    '../_base_/datasets/faces_unlabeled_48px.py',
    '../_base_/schedules/mae_micro.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(data_root=['data/ferplus/FER2013Train']))
custom_hooks = [dict(type='ChannelsLastHook')]
