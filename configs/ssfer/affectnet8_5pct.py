_base_ = ['./affectnet8_10pct.py']

train_dataloader = dict(dataset=dict(split=dict(fraction=0.05)))
