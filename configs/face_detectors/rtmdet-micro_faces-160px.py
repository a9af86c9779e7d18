# First part of the training of the detector that comes with the package: from scratch on small
# pictures, at a quarter of the price of large ones. RTMDet, 1.2 M parameters, one class.
# rtmdet-micro_faces-224px.py goes on from here; see docs/face_detector.md.
_base_ = ['../_base_/default_runtime.py']
custom_imports = dict(imports=['ssfer_mm', 'ssfer_mm.mmdet_components'],
                      allow_failed_imports=False)

norm_cfg = dict(type='BN')
act_cfg = dict(type='ReLU', inplace=True)
model = dict(
    _scope_='mmdet',
    type='RTMDet',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[103.53, 116.28, 123.675],
        std=[57.375, 57.12, 58.395],
        bgr_to_rgb=False,
        batch_augments=[
            dict(type='BatchSyncRandomResize', random_size_range=(64, 160), size_divisor=32)
        ]),
    backbone=dict(
        type='CSPNeXt',
        # channels in and out, blocks, residual, pyramid pooling of each stage
        arch_ovewrite=[[16, 32, 1, True, False], [32, 48, 1, True, False],
                       [48, 96, 1, True, False], [96, 192, 1, False, True]],
        norm_cfg=norm_cfg,
        act_cfg=act_cfg),
    neck=dict(
        type='CSPNeXtPAFPN',
        in_channels=[48, 96, 192],
        out_channels=48,
        num_csp_blocks=1,
        norm_cfg=norm_cfg,
        act_cfg=act_cfg),
    bbox_head=dict(
        type='RTMDetSepBNHead',
        num_classes=1,
        in_channels=48,
        feat_channels=48,
        stacked_convs=1,
        anchor_generator=dict(type='MlvlPointGenerator', offset=0, strides=[8, 16, 32]),
        bbox_coder=dict(type='DistancePointBBoxCoder'),
        loss_cls=dict(type='QualityFocalLoss', use_sigmoid=True, beta=2.0, loss_weight=1.0),
        loss_bbox=dict(type='GIoULoss', loss_weight=2.0),
        with_objectness=False,
        exp_on_reg=True,
        share_conv=True,
        norm_cfg=norm_cfg,
        act_cfg=act_cfg),
    train_cfg=dict(
        assigner=dict(type='DynamicSoftLabelAssigner', topk=13),
        allowed_border=-1,
        pos_weight=-1,
        debug=False),
    test_cfg=dict(
        nms_pre=1000,
        min_bbox_size=0,
        score_thr=0.05,
        nms=dict(type='nms', iou_threshold=0.5),
        max_per_img=100))

train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    sampler=dict(type='ChapterSampler', length=2000),
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(
        type='FaceScenes',
        folder='data/faces13k/images',
        box_file='data/faces13k_boxes.jsonl',
        part='train',
        num_scenes=1_000_000,
        size=160))

train_cfg = dict(by_epoch=True, max_epochs=18)
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1.5e-3, weight_decay=0.05),
    # The levels share their convolutions: let each have its settings once.
    paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0, bypass_duplicate=True))
param_scheduler = [dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100)]

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    checkpoint=dict(type='CheckpointHook', interval=1, max_keep_ckpts=2))
custom_hooks = [
    dict(type='ChannelsLastHook'),
    # An average over most steps at first, over about the last fifty in the end.
    dict(type='EMAHook', ema_type='mmdet.ExpMomentumEMA', momentum=0.001, gamma=500,
         update_buffers=True, priority=49),
]
