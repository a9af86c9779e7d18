# The paper's stage I: AdamW 3.4e-4 at total batch 256, 50 warm-up epochs, then half a cosine.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=3.4e-4, betas=(0.9, 0.95), weight_decay=0.05, fused=True),
    # MAE decays neither biases and norms nor tokens and position embeddings.
    paramwise_cfg=dict(
        norm_decay_mult=0.,
        bias_decay_mult=0.,
        custom_keys=dict(
            cls_token=dict(decay_mult=0.),
            mask_token=dict(decay_mult=0.),
            pos_embed=dict(decay_mult=0.))))

param_scheduler = [
    dict(type='LinearLR', start_factor=1e-4, end=50, convert_to_iter_based=True),
    dict(type='CosineAnnealingLR', begin=50, T_max=550, end=600, convert_to_iter_based=True),
]

train_cfg = dict(type='ResumableTrainLoop', max_epochs=600)
auto_scale_lr = dict(base_batch_size=256)
