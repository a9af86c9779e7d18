_base_ = ['./affectnet7_10pct.py']

train_dataloader = dict(dataset=dict(split=dict(fraction=0.05)))
