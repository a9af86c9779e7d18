# SSFER on 10 % of AffectNet-7, ViT-B/16, the paper's constants.
_base_ = [
    '../_base_/models/ssfer_vit-base-p16.py',
    '../_base_/datasets/affectnet7.py',
    '../_base_/schedules/ssfer_two-stage.py',
    '../_base_/default_runtime.py',
]

model = dict(classifier=dict(head=dict(num_classes=7)))
train_dataloader = dict(dataset=dict(split=dict(fraction=0.10)))
