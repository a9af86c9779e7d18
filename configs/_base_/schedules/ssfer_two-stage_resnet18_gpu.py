# ssfer_two-stage_resnet_gpu.py for a wider network after stage I: lower learning rates, in bfloat16, 26 epochs of
# stage II at 25 % of FERPlus and sixty of stage III.
_base_ = ['./ssfer_two-stage_resnet_gpu.py']

optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    constructor='MergedGroupsConstructor',
    optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=5, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=5,
        T_max=21,
        end=26,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
train_cfg = dict(
    supervised=dict(epochs=26),
    semi=dict(
        epochs=60,
        optim_wrapper=dict(type='BFloat16OptimWrapper', optimizer=dict(lr=1e-3)),
        param_scheduler=[
            dict(
                type='CosineAnnealingLR',
                T_max=60,
                eta_min=1e-5,
                convert_to_iter_based=True)
        ]))
