# Stage I on stores of faces (docs/pretraining_data.md); name yours in train_dataloader.dataset.
_base_ = [
    '../_base_/models/mae_vit-base-p16.py',
    '../_base_/datasets/faces_stored_224px.py',
    '../_base_/schedules/mae_600e.py',
    '../_base_/default_runtime.py',
]
