# ViT-L, student and teacher sharded over the GPUs (docs/distributed.md): 4 processes of 8 labeled
# images in stage II, of 16 + 16 in stage III.
_base_ = ['./rafdb_25pct.py']

model = dict(
    pretrained='work_dirs/mae_vit-large-p16_faces-224px-600e_fsdp/epoch_600.pth',
    classifier=dict(backbone=dict(arch='l'), head=dict(in_channels=1024)))
train_dataloader = dict(batch_size=8)
train_cfg = dict(semi=dict(labeled=16, unlabeled=16))
runner_type = 'ShardedRunner'
