# Stage I of the demo, on unlabeled SynthFER faces.
_base_ = ['./mae_vit-micro-p8_faces-48px.py']

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SynthFER',
        subset='pretrain',
        num_images=8000,
        pipeline={{_base_.train_pipeline}}))

param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=2, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=2, T_max=18, end=20, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=20)
