# SSFER on 25 % of FERPlus at 48 px, on two CPU cores. The model makes the views: a worker that did so
# would take turns with it on the same cores, for longer.
_base_ = [
    '../_base_/models/ssfer_vit-micro-p8.py',
    '../_base_/datasets/ferplus_48px_device-views.py',
    '../_base_/schedules/ssfer_two-stage_micro.py',
    '../_base_/default_runtime.py',
]
