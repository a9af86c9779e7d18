# SSFER on 25 % of FERPlus at 48 px with a narrow ResNet-18, on two CPU cores.
_base_ = [
    '../_base_/models/ssfer_resnet-micro.py',
    '../_base_/datasets/ferplus_48px.py',
    '../_base_/schedules/ssfer_two-stage_resnet-micro.py',
    '../_base_/default_runtime.py',
]
