# SSFER with Swin-T on 25 % of RAF-DB, from the ImageNet weights that mmpretrain publishes: stage I
# comes with configs for ViTs (MAE) and for small ResNets (SparK), not for this network.
_base_ = ['./rafdb_25pct.py']

model = dict(
    pretrained='https://download.openmmlab.com/mmclassification/v0/swin-transformer/swin_tiny_224_b16x64_300e_imagenet_20210616_090925-66df6be6.pth',
    classifier=dict(
        backbone=dict(
            _delete_=True, type='SwinTransformer', arch='tiny', img_size=224, drop_path_rate=0.1),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(_delete_=True, type='LinearClsHead', num_classes=7, in_channels=768)))
