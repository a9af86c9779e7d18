# SSFER on 10 % of AffectNet-8, ViT-B/16, the paper's constants.
_base_ = [
    '../_base_/models/ssfer_vit-base-p16.py',
    '../_base_/datasets/affectnet8.py',
    '../_base_/schedules/ssfer_two-stage.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(split=dict(fraction=0.10)))
