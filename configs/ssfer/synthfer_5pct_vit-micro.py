# SSFER on 5 % of SynthFER with a small ViT. It learns less from so few faces than the residual network of
# the demo. Stage I is configs/mae/mae_vit-micro-p8_synthfer-48px.py.
_base_ = [
    '../_base_/models/ssfer_vit-micro-p8.py',
    '../_base_/datasets/synthfer_48px.py',
    '../_base_/schedules/ssfer_two-stage_micro.py',
    '../_base_/default_runtime.py',
]

model = dict(pretrained='work_dirs/mae_vit-micro-p8_synthfer-48px/epoch_10.pth')
# 12 iterations an epoch in stage II, 59 in stage III.
optim_wrapper = dict(optimizer=dict(lr=8e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=8, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=8,
        T_max=52,
        end=60,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
train_cfg = dict(
    supervised=dict(epochs=60),
    semi=dict(
        epochs=8,
        optim_wrapper=dict(optimizer=dict(lr=5e-4)),
        param_scheduler=[
            dict(type='CosineAnnealingLR', T_max=8, eta_min=1e-5, convert_to_iter_based=True)
        ]))
