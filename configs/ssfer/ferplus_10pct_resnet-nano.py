_base_ = ['./ferplus_25pct_resnet-nano.py']

train_dataloader = dict(dataset=dict(split=dict(fraction=0.10)))
