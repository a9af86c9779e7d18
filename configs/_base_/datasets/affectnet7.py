# AffectNet without contempt. See affectnet8.py.
_base_ = ['./semi_supervised_224px.py']

data_preprocessor = dict(num_classes=7)

train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            type='AffectNet',
            data_root='data/affectnet',
            subset='train', num_classes=7, boxes='dataset')))
val_dataloader = dict(
    dataset=dict(type='AffectNet', data_root='data/affectnet', subset='valid', num_classes=7))
test_dataloader = val_dataloader
