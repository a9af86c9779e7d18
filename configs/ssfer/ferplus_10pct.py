_base_ = ['./ferplus_25pct.py']

train_dataloader = dict(dataset=dict(split=dict(fraction=0.10)))
