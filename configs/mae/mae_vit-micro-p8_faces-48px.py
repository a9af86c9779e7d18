# Stage I for two CPU cores, on the training faces of FERPlus; add folders of your own to the list.
_base_ = [
    '../_base_/models/mae_vit-micro-p8.py',
    '../_base_/datasets/faces_unlabeled_48px.py',
    '../_base_/schedules/mae_micro.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(data_root=['data/ferplus/FER2013Train']))
