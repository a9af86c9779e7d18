# The setting in which candidates for stage III were compared (configs/tables/ferplus_candidates.yaml): crops of
# 50-100 % of the area, made by a worker, and no stage I.
_base_ = [
    '../_base_/models/ssfer_resnet-nano.py',
    '../_base_/datasets/ferplus_48px.py',
    '../_base_/schedules/ssfer_two-stage_resnet_100e.py',
    '../_base_/default_runtime.py',
]
