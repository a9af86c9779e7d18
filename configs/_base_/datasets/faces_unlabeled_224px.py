# Stage I, 224 px: any folders of face images, without labels.
data_preprocessor = dict(
    type='SelfSupDataPreprocessor',
    mean=[149.94, 117.045, 102.51],
    std=[58.14, 51.51, 48.45],
    to_rgb=True)

train_pipeline = [
    dict(type='LoadFace'),
    dict(type='TrackedRandomResizedCrop', scale=224, interpolation='bicubic'),
    dict(type='TrackedRandomFlip'),
    dict(type='PackImage'),
]

train_dataloader = dict(
    batch_size=256,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type='SeededSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        type='UnlabeledFaces', data_root=['data/faces'], pipeline=train_pipeline))
