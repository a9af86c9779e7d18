# The same at 10 %, where an epoch is shorter.
_base_ = ['./ssfer_two-stage_resnet_18e.py']

param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=3, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=3,
        T_max=34,
        end=37,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
train_cfg = dict(supervised=dict(epochs=37))
