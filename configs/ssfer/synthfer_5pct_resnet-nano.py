# SSFER on 5 % of SynthFER: the demo. Stage I is configs/mae/spark_resnet-nano_synthfer-48px.py.
_base_ = [
    '../_base_/models/ssfer_resnet-nano.py',
    '../_base_/datasets/synthfer_48px.py',
    '../_base_/schedules/ssfer_two-stage_resnet_100e.py',
    '../_base_/default_runtime.py',
]

model = dict(pretrained='work_dirs/spark_resnet-nano_synthfer-48px/epoch_6.pth')
# 12 iterations an epoch in stage II, 59 in stage III.
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
        epochs=6,
        param_scheduler=[
            dict(type='CosineAnnealingLR', T_max=6, eta_min=1e-5, convert_to_iter_based=True)
        ]))
