# SSFER on 25 % of FERPlus with a ResNet-18 of the usual width (11 M weights) that keeps all 48 x 48 pixels in
# its first stage: the best recipe for one GPU (RESULTS.md). First stage I:
#   python tools/train.py configs/mae/spark_resnet18_faces-48px_gpu.py
_base_ = ['./ferplus_25pct_resnet-micro_gpu.py']

model = dict(
    pretrained='work_dirs/spark_resnet18_faces-48px_gpu/epoch_42.pth',
    classifier=dict(
        backbone=dict(stem_channels=64, base_channels=64), head=dict(in_channels=512)))
optim_wrapper = dict(optimizer=dict(lr=2e-3))
train_cfg = dict(semi=dict(optim_wrapper=dict(optimizer=dict(lr=1e-3))))
