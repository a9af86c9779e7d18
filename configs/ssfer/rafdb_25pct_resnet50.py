# SSFER with ResNet-50 on 25 % of RAF-DB, from the ImageNet weights that mmpretrain publishes: stage I
# comes with configs for ViTs (MAE) and for small ResNets (SparK), not for this network.
_base_ = ['./rafdb_25pct.py']

model = dict(
    pretrained='https://download.openmmlab.com/mmclassification/v0/resnet/resnet50_8xb32_in1k_20210831-ea4938fc.pth',
    classifier=dict(
        backbone=dict(_delete_=True, type='ResNet', depth=50),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(_delete_=True, type='LinearClsHead', num_classes=7, in_channels=2048)))
