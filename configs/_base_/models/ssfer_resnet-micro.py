# SSFER around a ResNet-18 of half the usual width for 48 px (2.8 M weights), from random weights. For
# two CPU cores: every stage halves the image, so the last one sees 3 x 3.
model = dict(
    type='SSFER',
    classifier=dict(
        type='ImageClassifier',
        backbone=dict(
            type='ResNet_CIFAR',
            depth=18,
            stem_channels=32,
            base_channels=32,
            strides=(2, 2, 2, 2)),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=8, in_channels=256)),
    pseudo_label=dict(type='ConfidenceThreshold', threshold=0.7),
    unlabeled_weight=1.0,  # the paper: 5
    ema_decay=0.999,
    ema_warmup=True)  # the paper: False; a short run must forget its random start
