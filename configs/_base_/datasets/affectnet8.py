# AffectNet, eight classes, with the face boxes of its CSV release. For the release without boxes
# set boxes='image' and data_preprocessor.facemix.extent='full'.
_base_ = ['./semi_supervised_224px.py']

data_preprocessor = dict(num_classes=8)

train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            type='AffectNet',
            data_root='data/affectnet',
            subset='train', num_classes=8, boxes='dataset')))
val_dataloader = dict(
    dataset=dict(type='AffectNet', data_root='data/affectnet', subset='valid', num_classes=8))
test_dataloader = val_dataloader
