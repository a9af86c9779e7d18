# ssfer_two-stage_resnet_18e.py in bfloat16, with fifteen epochs of stage III.
_base_ = ['./ssfer_two-stage_resnet_18e.py']

optim_wrapper = dict(type='BFloat16OptimWrapper')
train_cfg = dict(
    semi=dict(
        epochs=15,
        optim_wrapper=dict(type='BFloat16OptimWrapper'),
        param_scheduler=[
            dict(
                type='CosineAnnealingLR',
                T_max=15,
                eta_min=1e-5,
                convert_to_iter_based=True)
        ]))
