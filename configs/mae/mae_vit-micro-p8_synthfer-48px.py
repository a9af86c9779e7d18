# Stage I of synthfer_5pct_vit-micro.py, on the faces whose labels the later stages hide; small batches make
# many steps.
_base_ = ['./mae_vit-micro-p8_faces-48px.py']

train_dataloader = dict(
    batch_size=64,
    dataset=dict(
        _delete_=True,
        type='SynthFER',
        subset='train',
        num_images=8000,
        difficulty=0,
        pipeline={{_base_.train_pipeline}}))

param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=1, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=1, T_max=9, end=10, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=10)
auto_scale_lr = dict(base_batch_size=64)
