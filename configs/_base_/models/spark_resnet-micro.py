# SparK for two CPU cores: the residual network of ssfer_resnet-micro.py at 48 px, whose last stage sees
# 3 x 3 cells of 16 pixels: 4 of the 9 are shown, the others painted.
model = dict(
    type='SparK',
    input_size=48,
    downsample_raito=16,  # sic; the product of the backbone's strides
    mask_ratio=0.6,
    enc_dec_norm_cfg=dict(type='MaskedBatchNorm2d'),
    enc_dec_norm_dim=256,
    backbone=dict(
        type='SparseResNet_CIFAR',
        depth=18,
        stem_channels=32,
        base_channels=32,
        strides=(2, 2, 2, 2)),
    neck=dict(
        type='SparKLightDecoder',
        feature_dim=128,
        upsample_ratio=16,
        norm_cfg=dict(type='BN')),
    head=dict(
        type='SparKPretrainHead',
        patch_size=16,
        loss=dict(type='PixelReconstructionLoss', criterion='L2')))
