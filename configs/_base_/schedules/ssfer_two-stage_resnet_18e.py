# A short one for small networks and two CPU cores: 18 epochs of 64 labeled images at 25 % of FERPlus, then
# six of 32 labeled and 224 unlabeled ones. Stage II has twice the paper's weight decay.
_base_ = ['./ssfer_two-stage_resnet_100e.py']

optim_wrapper = dict(optimizer=dict(lr=3e-3, weight_decay=0.1))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=2, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=2,
        T_max=16,
        end=18,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
# Goes with train_dataloader.batch_size.
auto_scale_lr = dict(base_batch_size=64)
train_cfg = dict(
    supervised=dict(epochs=18),
    semi=dict(
        epochs=6,
        labeled=32,
        unlabeled=224,
        base_batch_size=256,
        optim_wrapper=dict(optimizer=dict(lr=2e-3)),
        param_scheduler=[
            dict(
                type='CosineAnnealingLR',
                T_max=6,
                eta_min=1e-5,
                convert_to_iter_based=True)
        ]))
