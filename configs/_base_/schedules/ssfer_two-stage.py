# The paper's stages II and III.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1.5e-4, betas=(0.9, 0.95), weight_decay=0.05, fused=True))

# Stage II: 5 epochs from 5e-5, a cosine to 1e-5 until epoch 50, flat from there. The cosine begins
# where the warm-up ends; timm's, which begins at epoch 0, would be up to 14 % lower in between.
param_scheduler = [
    dict(type='LinearLR', start_factor=1 / 3, end=5, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=5,
        T_max=45,
        end=50,
        eta_min=1e-5,
        convert_to_iter_based=True),
]

train_cfg = dict(
    type='TwoStageTrainLoop',
    supervised=dict(epochs=100),
    semi=dict(
        epochs=50,
        labeled=64,
        unlabeled=64,
        base_batch_size=128,  # 64 + 64; see auto_scale_lr
        optim_wrapper=dict(
            type='OptimWrapper',
            # With AdamW's own betas: the paper gives others for stage II alone.
            optimizer=dict(type='AdamW', lr=1.5e-4, weight_decay=0.05, fused=True)),
        param_scheduler=[dict(type='MultiStepLR', milestones=[20, 40], gamma=0.1)]),
    val_interval=10)

# Images per optimizer step that the learning rate of stage II is meant for; that of stage III is
# train_cfg.semi.base_batch_size.
auto_scale_lr = dict(base_batch_size=32)

custom_hooks = [
    dict(type='TwoStageFinetuneHook'),
    dict(type='EMATeacherHook'),
    dict(type='HeldOutHook'),
    dict(type='SplitRecordHook'),
    dict(type='FaceMixMonitor'),
    dict(type='PseudoLabelMonitor'),
    dict(type='ExportClassifierHook'),
    dict(type='StageReportHook'),
]
