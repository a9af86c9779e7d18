# The same with twice the width (2.8 M weights), in bfloat16, on the votes of FER+ instead of their
# winner.
_base_ = ['./ferplus_25pct_resnet-nano_gpu.py']

model = dict(
    classifier=dict(
        backbone=dict(stem_channels=32, base_channels=32), head=dict(in_channels=256)))
train_dataloader = dict(dataset=dict(dataset=dict(targets='votes')))
optim_wrapper = dict(type='BFloat16OptimWrapper', constructor='MergedGroupsConstructor')
train_cfg = dict(semi=dict(optim_wrapper=dict(type='BFloat16OptimWrapper')))
