# SSFER on faces of your own: copy this file beside itself, name your folder, count your classes.
#   ROOT/train/<expression>/*.jpg   ROOT/test/<expression>/*.jpg   ROOT/unlabeled/**/*.jpg
# All stages, stage I on the same faces:
#   python tools/run_ssfer.py configs/ssfer/mine.py \
#       --pretrain configs/mae/spark_resnet-nano_faces-48px.py \
#       --pretrain-options 'train_dataloader.dataset.data_root=[ROOT/train,ROOT/unlabeled]'
_base_ = [
    '../_base_/models/ssfer_resnet-nano.py',
    '../_base_/datasets/semi_supervised_48px.py',
    '../_base_/schedules/ssfer_two-stage_resnet_100e.py',
    '../_base_/default_runtime.py',
]

# Edit these three here: --cfg-options does not reach them, their values are copied below.
root = 'data/my_faces'
num_classes = 8
classes = None  # None: expressions, by the names of the folders; else your own: ['calm', 'tense']

data_preprocessor = dict(num_classes=num_classes, facemix=dict(extent='full'))
model = dict(
    pretrained='work_dirs/spark_resnet-nano_faces-48px/epoch_12.pth',
    classifier=dict(head=dict(num_classes=num_classes)))

# Everything under train/ is labeled. Without photos under unlabeled/ set extra_unlabeled=[] and
# split=dict(fraction=0.25, seed=0), which hides the labels of three quarters of train/, and give
# stage I [ROOT/train] alone. boxes='image' suits tight crops; else name a box file.
train_dataloader = dict(
    dataset=dict(
        split=None,
        dataset=dict(type='ClassFolders', data_root=root, subset='train', classes=classes,
                     boxes='image'),
        extra_unlabeled=[dict(type='UnlabeledFaces', data_root=root + '/unlabeled')]))
val_dataloader = dict(
    dataset=dict(type='ClassFolders', data_root=root, subset='test', classes=classes))
test_dataloader = val_dataloader
