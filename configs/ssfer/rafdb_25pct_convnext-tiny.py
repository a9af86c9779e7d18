# SSFER with ConvNeXt-T on 25 % of RAF-DB, from the ImageNet weights that mmpretrain publishes: stage I
# comes with configs for ViTs (MAE) and for small ResNets (SparK), not for this network.
_base_ = ['./rafdb_25pct.py']

model = dict(
    pretrained='https://download.openmmlab.com/mmclassification/v0/convnext/convnext-tiny_32xb128_in1k_20221207-998cf3e9.pth',
    classifier=dict(
        backbone=dict(_delete_=True, type='ConvNeXt', arch='tiny', drop_path_rate=0.1),
        head=dict(_delete_=True, type='LinearClsHead', num_classes=7, in_channels=768)))
