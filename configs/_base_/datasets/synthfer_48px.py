# SynthFER: drawn faces with exact boxes, 5 % of 8,000 labeled. Nothing to download. They are drawn
# clearly (difficulty 0; the benchmark's own level is 1): a harder level takes a small model more labels and
# more time than a demo has.
_base_ = ['./semi_supervised_48px.py']

train_dataloader = dict(
    dataset=dict(
        split=dict(fraction=0.05, seed=0),
        dataset=dict(
            type='SynthFER', subset='train', num_images=8000, difficulty=0, boxes='dataset')))
val_dataloader = dict(
    dataset=dict(type='SynthFER', subset='test', num_images=2000, difficulty=0))
test_dataloader = val_dataloader
