# What stages II and III share on every dataset, at 224 px. A dataset's own file adds its type, its
# root and its test set. One split, one loader: the stages differ in how batches are composed.
data_preprocessor = dict(
    type='SSFERDataPreprocessor',
    # The paper's mean and std of RGB, times 255.
    mean=[149.94, 117.045, 102.51],
    std=[58.14, 51.51, 48.45],
    to_rgb=True,
    num_classes=8,
    facemix=dict(type='FaceMix', alpha=1.0, label_smoothing=0.1))

weak = [
    dict(type='TrackedRandomResizedCrop', scale=224, crop_ratio_range=(0.2, 1.0)),
    dict(type='TrackedRandomFlip'),
]
# rand-m9-mstd0.5-inc1
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
labeled_pipeline = [dict(type='LoadFace'), *weak, dict(type='PackFace')]
unlabeled_pipeline = [
    dict(type='LoadFace'),
    dict(type='WeakStrongViews', weak=weak, strong=strong),
    dict(type='PackViews'),
]
test_pipeline = [
    dict(type='LoadFace'),
    dict(type='TrackedResize', scale=(224, 224)),
    dict(type='PackFace'),
]

train_dataloader = dict(
    batch_size=32,  # labeled images per batch in stage II
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    sampler=dict(type='TwoSourceSampler'),
    batch_sampler=dict(type='TwoSourceBatchSampler'),
    collate_fn=dict(type='collate_sources'),
    dataset=dict(
        type='SemiSupervisedDataset',
        split=dict(fraction=0.25, seed=0),
        labeled_pipeline=labeled_pipeline,
        unlabeled_pipeline=unlabeled_pipeline))

# The test set, for the curve and the final figure. No checkpoint is chosen on it.
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader

val_evaluator = dict(type='ExpressionAccuracy')
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
