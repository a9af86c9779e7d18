# RAF-DB, basic expressions. Its crops are aligned, so the crop itself stands for the face, unclipped
# (see ferplus_224px.py). Once you have detected faces, name a box file (dataset.dataset.boxes), and
# facemix.extent='visible' for the paper's IoU, that of what an augmented image still shows.
_base_ = ['./semi_supervised_224px.py']

data_preprocessor = dict(num_classes=7, facemix=dict(extent='full'))

train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            type='RAFDB',
            data_root='data/rafdb',
            subset='train', boxes='image')))
val_dataloader = dict(
    dataset=dict(type='RAFDB', data_root='data/rafdb', subset='test'))
test_dataloader = val_dataloader
