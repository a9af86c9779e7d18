# ferplus_48px_device-views.py with crops that a short schedule can learn from: 70-100 % of the area.
_base_ = ['./ferplus_48px_device-views.py']

train_dataloader = dict(batch_size=64)
data_preprocessor = dict(views=dict(crop_ratio_range=(0.7, 1.0)))
