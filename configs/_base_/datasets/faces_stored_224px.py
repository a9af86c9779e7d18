# Stage I, 224 px: faces by the million, from RecordIO, tar shards, zip, LMDB or folders.
_base_ = ['./faces_unlabeled_224px.py']

# A crop takes at least a fifth of the image: a million pixels leave it more than 224 x 224.
train_pipeline = [
    dict(type='LoadFace', max_pixels=2**20),
    dict(type='TrackedRandomResizedCrop', scale=224, interpolation='bicubic'),
    dict(type='TrackedRandomFlip'),
    dict(type='PackImage'),
]

# order='images' where random reads are cheap (memory, NVMe).
train_dataloader = dict(
    sampler=dict(_delete_=True, type='ShardSampler', order='shards', block=1024, buffer=16384),
    dataset=dict(
        _delete_=True,
        type='StoredFaces',
        sources=[dict(type='TarShards', path='data/faces_shards')],
        pipeline=train_pipeline))
