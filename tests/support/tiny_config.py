"""A config of a tiny ViT on eight images, for what reads configs and starts trainings."""
from pathlib import Path

import numpy as np
from PIL import Image

CONFIG = '''
default_scope = 'mmpretrain'
custom_imports = dict(imports=['ssfer_mm'], allow_failed_imports=False)
model = dict(
    type='ImageClassifier',
    data_preprocessor=dict(mean=[127.] * 3, std=[64.] * 3, num_classes=2),
    backbone=dict(type='VisionTransformer', img_size=8, patch_size=4, out_type='cls_token',
                  arch=dict(embed_dims=8, num_layers=1, num_heads=2, feedforward_channels=8)),
    head=dict(type='LinearClsHead', in_channels=8, num_classes=2))
pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='CustomDataset', data_prefix=r'{faces}', pipeline=pipeline))
test_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CustomDataset', data_prefix=r'{faces}', pipeline=pipeline))
test_evaluator = dict(type='Accuracy', topk=1)
test_cfg = dict()
train_cfg = dict(by_epoch=True, max_epochs=1)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3))
default_hooks = dict(logger=dict(type='LoggerHook', interval=1))
randomness = dict(seed=0)
'''


def write_tiny_config(folder: Path) -> Path:
    """Write images and ``configs/tiny.py`` into a folder."""
    for index in range(8):
        faces = folder / 'faces' / ('joy' if index % 2 else 'fear')
        faces.mkdir(parents=True, exist_ok=True)
        pixels = np.full((8, 8, 3), 30 * index, np.uint8)
        Image.fromarray(pixels).save(faces / f'{index}.png')
    path = folder / 'configs' / 'tiny.py'
    path.parent.mkdir()
    path.write_text(CONFIG.replace('{faces}', str(folder / 'faces')))
    return path
