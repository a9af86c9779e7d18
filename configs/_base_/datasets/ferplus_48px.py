# FERPlus at its own size, tested on FER2013Valid; the paper's test set is 'valid+test'. See
# ferplus_224px.py for the boxes.
_base_ = ['./semi_supervised_48px.py']

data_preprocessor = dict(num_classes=8, facemix=dict(extent='full'))

train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            type='FERPlus',
            data_root='data/ferplus',
            subset='train', boxes='image')))
val_dataloader = dict(
    dataset=dict(type='FERPlus', data_root='data/ferplus', subset='valid'))
test_dataloader = val_dataloader
