# The YOLOX-s that mmpose publishes for faces, trained on the faces of COCO. Its weights are
# downloaded at first use. The file is called yolo-x, but the model is YOLOX-s (widen 0.5,
# deepen 0.33).
norm = dict(type='BN', momentum=0.03, eps=0.001)
swish = dict(type='Swish')
cross_entropy = dict(type='CrossEntropyLoss', use_sigmoid=True, reduction='sum', loss_weight=1.0)

model = dict(
    type='YOLOX',
    # Trained on BGR in 0-255, not normalized.
    data_preprocessor=dict(type='DetDataPreprocessor', pad_size_divisor=32),
    backbone=dict(
        type='CSPDarknet',
        deepen_factor=0.33,
        widen_factor=0.5,
        out_indices=(2, 3, 4),
        spp_kernal_sizes=(5, 9, 13),
        norm_cfg=norm,
        act_cfg=swish),
    neck=dict(
        type='YOLOXPAFPN',
        in_channels=[128, 256, 512],
        out_channels=128,
        num_csp_blocks=1,
        norm_cfg=norm,
        act_cfg=swish),
    bbox_head=dict(
        type='YOLOXHead',
        num_classes=1,
        in_channels=128,
        feat_channels=128,
        stacked_convs=2,
        strides=(8, 16, 32),
        norm_cfg=norm,
        act_cfg=swish,
        loss_cls=cross_entropy,
        loss_obj=cross_entropy,
        loss_bbox=dict(type='IoULoss', mode='square', eps=1e-16, reduction='sum', loss_weight=5.0)),
    test_cfg=dict(score_thr=0.01, nms=dict(type='nms', iou_threshold=0.65)))

detector = dict(
    type='MMDetFaceDetector',
    config=dict(model=model, metainfo=dict(classes=('face', ))),
    checkpoint='https://download.openmmlab.com/mmpose/mmdet_pretrained/'
    'yolo-x_8xb8-300e_coco-face_13274d7c.pth',
    input_size=640)
