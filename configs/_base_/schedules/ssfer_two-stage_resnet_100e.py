# Stages II and III of small residual networks: a higher learning rate. Float32, because a processor
# without bfloat16 takes eight times as long to imitate it; on one that has it, add --amp.
_base_ = ['./ssfer_two-stage.py']

optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=5, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=5,
        T_max=95,
        end=100,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
train_cfg = dict(
    supervised=dict(epochs=100),
    semi=dict(
        epochs=10,
        labeled=32,
        unlabeled=128,
        base_batch_size=160,
        optim_wrapper=dict(optimizer=dict(lr=1e-3)),
        param_scheduler=[
            dict(
                type='CosineAnnealingLR',
                T_max=10,
                eta_min=1e-5,
                convert_to_iter_based=True)
        ]))
custom_hooks = [dict(type='ChannelsLastHook'), *_base_.custom_hooks]
