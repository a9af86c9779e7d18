# SynthFER: drawn faces with exact boxes, 5 % of 4,000 labeled. Nothing to download.
_base_ = ['./semi_supervised_48px.py']

train_dataloader = dict(
    dataset=dict(
        split=dict(fraction=0.05, seed=0),
        dataset=dict(type='SynthFER', subset='train', num_images=4000, boxes='dataset')))
val_dataloader = dict(dataset=dict(type='SynthFER', subset='test', num_images=2000))
test_dataloader = val_dataloader
