# Stage I on two CPU cores, at batch 128: many short steps suit few images.
_base_ = ['./mae_600e.py']

optim_wrapper = dict(optimizer=dict(lr=1e-3))

param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=4, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=4, T_max=56, end=60, convert_to_iter_based=True),
]

train_cfg = dict(max_epochs=60)
auto_scale_lr = dict(base_batch_size=128)
