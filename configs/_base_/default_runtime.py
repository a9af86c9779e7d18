# What every run shares.
default_scope = 'mmpretrain'
custom_imports = dict(imports=['ssfer_mm'], allow_failed_imports=False)

env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))
randomness = dict(seed=0, deterministic=False)

default_hooks = dict(
    timer=dict(type='StageTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='SafeCheckpointHook', interval=10, max_keep_ckpts=2),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    global_log=dict(type='GlobalLogHook'),
    log_history=dict(type='LogHistoryHook'),
    exact_resume=dict(type='ExactResumeHook'),
    numerics=dict(type='NumericsHook'),
    unreadable=dict(type='UnreadableHook'))

# For TensorBoard add dict(type='TensorboardVisBackend').
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='LazyVisualizer', vis_backends=vis_backends)

log_level = 'INFO'
load_from = None
resume = False
