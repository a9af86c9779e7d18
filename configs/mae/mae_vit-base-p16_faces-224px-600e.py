# The paper's stage I: put the face-recognition images under data/faces, or name other folders.
_base_ = [
    '../_base_/models/mae_vit-base-p16.py',
    '../_base_/datasets/faces_unlabeled_224px.py',
    '../_base_/schedules/mae_600e.py',
    '../_base_/default_runtime.py',
]
