# Stage I that hides brows, eyes and mouth more often; every FERPlus image is a tight crop.
_base_ = ['./mae_vit-micro-p8_faces-48px.py']

model = dict(type='FaceMAE', backbone=dict(type='FaceMAEViT'))
train_dataloader = dict(
    dataset=dict(boxes='image', pipeline=[*_base_.train_pipeline[:-1], dict(type='PackFace')]))
