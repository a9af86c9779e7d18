# ssfer_two-stage_resnet_100e.py for a GPU, which a small network fills with large batches only: 36
# epochs of 128 labeled images at 25 % of FERPlus, then 10 of 64 labeled and 448 unlabeled ones. Stage II
# has twice the paper's weight decay.
_base_ = ['./ssfer_two-stage_resnet_100e.py']

optim_wrapper = dict(optimizer=dict(lr=4e-3, weight_decay=0.1))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, end=5, convert_to_iter_based=True),
    dict(
        type='CosineAnnealingLR',
        begin=5,
        T_max=31,
        end=36,
        eta_min=1e-5,
        convert_to_iter_based=True),
]
# Goes with train_dataloader.batch_size.
auto_scale_lr = dict(base_batch_size=128)
train_cfg = dict(
    supervised=dict(epochs=36),
    semi=dict(
        epochs=10,
        labeled=64,
        unlabeled=448,
        base_batch_size=512,
        optim_wrapper=dict(optimizer=dict(lr=2e-3)),
        param_scheduler=[
            dict(
                type='CosineAnnealingLR',
                T_max=10,
                eta_min=1e-5,
                convert_to_iter_based=True)
        ]))
