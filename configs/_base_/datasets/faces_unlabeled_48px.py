# Stage I, 48 px.
_base_ = ['./faces_unlabeled_224px.py']

train_pipeline = [
    dict(type='LoadFace', cache_gb=0.5),
    dict(type='TrackedRandomResizedCrop', scale=48, interpolation='bicubic'),
    dict(type='TrackedRandomFlip'),
    dict(type='PackImage'),
]

train_dataloader = dict(batch_size=128, num_workers=1, dataset=dict(pipeline=train_pipeline))
