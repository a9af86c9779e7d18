# SSFER around the ViT of mae_vit-micro-p8.py, for two CPU cores. The neck reads all 37 tokens, each
# in its place: from few labels a network this small learns where a mouth is drawn open long before
# its cls token has learned to ask. ViT-B reads the cls token, as in the paper.
model = dict(
    type='SSFER',
    pretrained='work_dirs/mae_vit-micro-p8_faces-48px/epoch_60.pth',
    classifier=dict(
        type='ImageClassifier',
        backbone=dict(
            type='VisionTransformer',
            arch=dict(embed_dims=128, num_layers=6, num_heads=4, feedforward_channels=512),
            img_size=48,
            patch_size=8,
            out_type='raw'),
        neck=dict(
            type='LinearNeck',
            in_channels=37 * 128,
            out_channels=128,
            norm_cfg=dict(type='LN'),
            act_cfg=dict(type='GELU')),
        head=dict(type='LinearClsHead', num_classes=8, in_channels=128)),
    pseudo_label=dict(type='ConfidenceThreshold', threshold=0.7),
    unlabeled_weight=5.0,
    ema_decay=0.999,
    ema_warmup=True)  # the paper: False; a short run must forget its random start
