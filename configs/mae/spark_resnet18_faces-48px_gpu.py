# spark_resnet-micro_faces-48px_gpu.py at twice the width (11 M weights), for longer and in larger batches; the
# decoder is a quarter as wide as the encoder's last stage, as SparK's own. Then
# configs/ssfer/ferplus_25pct_resnet18_gpu.py.
_base_ = ['./spark_resnet-micro_faces-48px_gpu.py']

model = dict(
    enc_dec_norm_dim=512,
    backbone=dict(stem_channels=64, base_channels=64),
    neck=dict(feature_dim=128))
train_dataloader = dict(batch_size=512, num_workers=8)
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=4, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=4, T_max=38, end=42, convert_to_iter_based=True),
]
train_cfg = dict(max_epochs=42)
auto_scale_lr = dict(base_batch_size=512)
