# Stage I of the demo, on unlabeled SynthFER faces.
_base_ = ['./mae_vit-micro-p8_faces-48px.py']

train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='SynthFER',
        subset='pretrain',
        num_images=8000,
        pipeline={{_base_.train_pipeline}}))
