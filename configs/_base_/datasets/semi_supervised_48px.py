# The same at 48 px, for two CPU cores. Crops are milder: a fifth of 48 x 48 pixels shows no
# expression any more.
_base_ = ['./semi_supervised_224px.py']

weak = [
    dict(type='TrackedRandomResizedCrop', scale=48, crop_ratio_range=(0.5, 1.0)),
    dict(type='TrackedRandomFlip'),
]
strong = [
    *weak,
    dict(
        type='RandAugment',
        policies='timm_increasing',
        num_policies=2,
        total_level=10,
        magnitude_level=9,
        magnitude_std=0.5,
        hparams=dict(pad_val=[103, 117, 150], interpolation='bicubic')),
]
labeled_pipeline = [dict(type='LoadFace', cache_gb=0.5), *weak, dict(type='PackFace')]
unlabeled_pipeline = [
    dict(type='LoadFace', cache_gb=0.5),
    dict(type='WeakStrongViews', weak=weak, strong=strong),
    dict(type='PackViews'),
]
test_pipeline = [
    dict(type='LoadFace'),
    dict(type='TrackedResize', scale=(48, 48)),
    dict(type='PackFace'),
]

train_dataloader = dict(
    num_workers=1,
    dataset=dict(labeled_pipeline=labeled_pipeline, unlabeled_pipeline=unlabeled_pipeline))
val_dataloader = dict(batch_size=256, num_workers=1, dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
