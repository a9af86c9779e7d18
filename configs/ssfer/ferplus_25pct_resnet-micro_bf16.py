# ferplus_25pct_resnet-micro.py with all 48 x 48 pixels in the first stage, in bfloat16, and fifteen epochs of
# stage III that leave rejected images out: the best recipe for two CPU cores that have AMX. First stage I:
#   python tools/train.py configs/mae/spark_resnet-micro_faces-48px_bf16.py
_base_ = ['./ferplus_25pct_resnet-micro.py']

model = dict(
    pretrained='work_dirs/spark_resnet-micro_faces-48px_bf16/epoch_12.pth',
    skip_rejected=True,
    classifier=dict(backbone=dict(strides=(1, 2, 2, 2))))
optim_wrapper = dict(type='BFloat16OptimWrapper')
train_cfg = dict(
    semi=dict(
        epochs=15,
        optim_wrapper=dict(type='BFloat16OptimWrapper'),
        param_scheduler=[
            dict(type='CosineAnnealingLR', T_max=15, eta_min=1e-5, convert_to_iter_based=True)
        ]))
