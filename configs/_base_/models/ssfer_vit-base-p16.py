# SSFER around ViT-B/16, starting from stage I.
model = dict(
    type='SSFER',
    pretrained='work_dirs/mae_vit-base-p16_faces-224px-600e/epoch_600.pth',
    classifier=dict(
        type='ImageClassifier',
        backbone=dict(type='VisionTransformer', arch='b', img_size=224, patch_size=16),
        head=dict(type='VisionTransformerClsHead', num_classes=8, in_channels=768)),
    pseudo_label=dict(type='ConfidenceThreshold', threshold=0.7),
    unlabeled_weight=5.0,
    ema_decay=0.999)
