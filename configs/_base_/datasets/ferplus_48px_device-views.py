# The same with views made in whole batches where the model is, for a GPU that trains faster than
# workers crop, flip and color. Whole faces of one size are handed over; those of FERPlus have it
# already. They are few, so the process keeps them in memory (0.3 GB) and needs no workers.
_base_ = ['./ferplus_48px.py']

whole = [dict(type='LoadFace'), dict(type='TrackedResize', scale=(48, 48))]
labeled_pipeline = [*whole, dict(type='PackFace')]
unlabeled_pipeline = [*whole, dict(type='PackUnlabeled')]

train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        labeled_pipeline=labeled_pipeline, unlabeled_pipeline=unlabeled_pipeline, keep_gb=1.0))
data_preprocessor = dict(
    views=dict(
        type='DeviceViews',
        size=48,
        crop_ratio_range=(0.5, 1.0),
        rand_augment=dict(
            num_policies=2,
            magnitude_level=9,
            magnitude_std=0.5,
            total_level=10,
            pad_val=(103, 117, 150))))
