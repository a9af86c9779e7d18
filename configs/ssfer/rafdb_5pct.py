_base_ = ['./rafdb_25pct.py']

train_dataloader = dict(dataset=dict(split=dict(fraction=0.05)))
