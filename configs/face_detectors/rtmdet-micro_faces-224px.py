# The detector that comes with the package: second part of its training, on pictures as large as
# those it will see. Run rtmdet-micro_faces-160px.py first; see docs/face_detector.md.
_base_ = ['./rtmdet-micro_faces-160px.py']
load_from = 'work_dirs/rtmdet-micro_faces-160px/epoch_18.pth'

model = dict(
    data_preprocessor=dict(
        batch_augments=[
            dict(type='BatchSyncRandomResize', random_size_range=(96, 224), size_divisor=32)
        ]))
train_dataloader = dict(dataset=dict(size=224, seed=1))

epochs = 16
train_cfg = dict(max_epochs=epochs)
optim_wrapper = dict(optimizer=dict(lr=1.2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=50),
    dict(type='CosineAnnealingLR', eta_min_ratio=0.01, begin=0, end=epochs,
         convert_to_iter_based=True),
]
custom_hooks = [
    dict(type='ChannelsLastHook'),
    # An average over about the last five hundred steps in the end.
    dict(type='EMAHook', ema_type='mmdet.ExpMomentumEMA', momentum=0.002, gamma=150,
         update_buffers=True, priority=49),
]
