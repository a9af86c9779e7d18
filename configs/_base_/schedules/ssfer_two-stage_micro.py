# Stages II and III for models and datasets that train on two CPU cores: a higher learning rate, and
# in stage III more unlabeled images per labeled one.
_base_ = ['./ssfer_two-stage.py']

optim_wrapper = dict(optimizer=dict(lr=5e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=5, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=5,
        T_max=55,
        end=60,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
train_cfg = dict(
    supervised=dict(epochs=60),
    semi=dict(
        epochs=8,
        labeled=32,
        unlabeled=128,
        base_batch_size=160,
        optim_wrapper=dict(optimizer=dict(lr=3e-4)),
        param_scheduler=[
            dict(type='CosineAnnealingLR', T_max=8, eta_min=1e-5, convert_to_iter_based=True)
        ]))
