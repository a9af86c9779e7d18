# SSFER on 5 % of SynthFER: the demo. Stage I is configs/mae/mae_vit-micro-p8_synthfer-48px.py.
_base_ = [
    '../_base_/models/ssfer_vit-micro-p8.py',
    '../_base_/datasets/synthfer_48px.py',
    '../_base_/schedules/ssfer_two-stage_micro.py',
    '../_base_/default_runtime.py',
]

model = dict(pretrained='work_dirs/mae_vit-micro-p8_synthfer-48px/epoch_20.pth')
# An epoch is 29 iterations here, so there are more of them.
train_cfg = dict(
    semi=dict(
        epochs=20,
        param_scheduler=[
            dict(type='CosineAnnealingLR', T_max=20, eta_min=1e-5, convert_to_iter_based=True)
        ]))
