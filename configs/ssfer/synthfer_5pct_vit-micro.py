# SSFER on 5 % of SynthFER: the demo. Stage I is configs/mae/mae_vit-micro-p8_synthfer-48px.py.
_base_ = [
    '../_base_/models/ssfer_vit-micro-p8.py',
    '../_base_/datasets/synthfer_48px.py',
    '../_base_/schedules/ssfer_two-stage_micro.py',
    '../_base_/default_runtime.py',
]

model = dict(pretrained='work_dirs/mae_vit-micro-p8_synthfer-48px/epoch_40.pth')
