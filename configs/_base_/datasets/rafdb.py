# RAF-DB, basic expressions. Its crops are aligned, so the crop itself stands for the face; name a
# box file (dataset.dataset.boxes) once you have detected faces.
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
