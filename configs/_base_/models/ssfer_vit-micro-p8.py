# SSFER around the ViT of mae_vit-micro-p8.py, for two CPU cores.
model = dict(
    type='SSFER',
    pretrained='work_dirs/mae_vit-micro-p8_faces-48px/epoch_40.pth',
    classifier=dict(
        type='ImageClassifier',
        backbone=dict(
            type='VisionTransformer',
            arch=dict(embed_dims=128, num_layers=6, num_heads=4, feedforward_channels=512),
            img_size=48,
            patch_size=8),
        head=dict(type='VisionTransformerClsHead', num_classes=8, in_channels=128)),
    pseudo_label=dict(type='ConfidenceThreshold', threshold=0.7),
    unlabeled_weight=5.0,
    ema_decay=0.999,
    ema_warmup=True)
