# FERPlus. The whole tight crop is the face's box, as label.csv says of every image and fer2013.csv
# says of none: unclipped, such boxes still tell how two faces lie on each other.
_base_ = ['./semi_supervised_224px.py']

data_preprocessor = dict(num_classes=8, facemix=dict(extent='full'))

train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            type='FERPlus',
            data_root='data/ferplus',
            subset='train', boxes='image')))
val_dataloader = dict(
    dataset=dict(type='FERPlus', data_root='data/ferplus', subset='valid+test'))
test_dataloader = val_dataloader
