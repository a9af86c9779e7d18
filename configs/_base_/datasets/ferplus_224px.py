# FERPlus. Its label files give the whole tight crop as the face's box: unclipped, such boxes still
# tell how two faces lie on each other.
_base_ = ['./semi_supervised_224px.py']

data_preprocessor = dict(num_classes=8, facemix=dict(extent='full'))

train_dataloader = dict(
    dataset=dict(dataset=dict(type='FERPlus', data_root='data/ferplus', subset='train', boxes='dataset')))
val_dataloader = dict(dataset=dict(type='FERPlus', data_root='data/ferplus', subset='valid+test', boxes='dataset'))
test_dataloader = val_dataloader
