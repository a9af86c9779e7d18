# Stage I with ViT-L, sharded over the GPUs (docs/distributed.md): 8 processes of 32 images.
_base_ = ['./mae_vit-base-p16_faces-224px-600e.py']

model = dict(backbone=dict(arch='l'), neck=dict(embed_dim=1024))
train_dataloader = dict(batch_size=32)
runner_type = 'ShardedRunner'
