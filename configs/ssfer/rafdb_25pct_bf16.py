# The same in bfloat16: for GPUs, and for processors with AVX512-BF16 or AMX. These two lines suit any
# config that has stages II and III, the first alone suits the others; docs/performance.md has the
# speed.
_base_ = ['./rafdb_25pct.py']

optim_wrapper = dict(type='BFloat16OptimWrapper')
train_cfg = dict(semi=dict(optim_wrapper=dict(type='BFloat16OptimWrapper')))
