"""Model configs that build and train in milliseconds."""
MEAN = [149.94, 117.045, 102.51]
STD = [58.14, 51.51, 48.45]
ARCH = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)


def vit(num_classes: int = 3, img_size: int = 16, **options) -> dict:
    """A classifier without batch statistics: two layers, 8 px patches."""
    return dict(
        type='ImageClassifier',
        backbone=dict(
            type='VisionTransformer',
            arch=dict(ARCH),
            img_size=img_size,
            patch_size=8,
            **options),
        head=dict(type='VisionTransformerClsHead', num_classes=num_classes, in_channels=16))


def resnet(num_classes: int = 3) -> dict:
    """A classifier whose layers share statistics over the batch."""
    return dict(
        type='ImageClassifier',
        backbone=dict(type='ResNet', depth=18, stem_channels=4, base_channels=4),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(type='LinearClsHead', num_classes=num_classes, in_channels=32))


def mae(img_size: int = 16) -> dict:
    """Stage I of :func:`vit`."""
    return dict(
        type='MAE',
        backbone=dict(
            type='MAEViT', arch=dict(ARCH), img_size=img_size, patch_size=8, mask_ratio=0.5),
        neck=dict(
            type='MAEPretrainDecoder',
            num_patches=(img_size // 8)**2,
            patch_size=8,
            embed_dim=16,
            decoder_embed_dim=8,
            decoder_depth=1,
            decoder_num_heads=2),
        head=dict(
            type='MAEPretrainHead',
            patch_size=8,
            loss=dict(type='PixelReconstructionLoss', criterion='L2')))


def preprocessor(num_classes: int = 3, facemix=None, semi_facemix: bool = False) -> dict:
    return dict(
        type='SSFERDataPreprocessor',
        mean=MEAN,
        std=STD,
        num_classes=num_classes,
        facemix=facemix,
        semi_facemix=semi_facemix)


def ssfer(classifier: dict = None, facemix=None, semi_facemix: bool = False, **options) -> dict:
    classifier = classifier or vit()
    classes = classifier['head']['num_classes']
    return dict(
        type='SSFER',
        classifier=classifier,
        data_preprocessor=preprocessor(classes, facemix, semi_facemix),
        **options)
