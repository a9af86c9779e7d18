# SSFER on 25 % of RAF-DB, ViT-B/16, the paper's constants.
_base_ = [
    '../_base_/models/ssfer_vit-base-p16.py',
    '../_base_/datasets/rafdb.py',
    '../_base_/schedules/ssfer_two-stage.py',
    '../_base_/default_runtime.py',
]

model = dict(classifier=dict(head=dict(num_classes=7)))
