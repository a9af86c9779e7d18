# SSFER on faces of your own with ViT-B/16 at 224 px, for a GPU: copy this file beside itself, name
# your folder, count your classes.
#   ROOT/train/<expression>/*.jpg   ROOT/test/<expression>/*.jpg   ROOT/unlabeled/**/*.jpg
# All stages, stage I on the same faces:
#   python tools/run_ssfer.py configs/ssfer/mine.py \
#       --pretrain configs/mae/mae_vit-base-p16_faces-224px-600e.py \
#       --pretrain-options 'train_dataloader.dataset.data_root=[ROOT/train,ROOT/unlabeled]'
# Its 600 epochs are the paper's, for 1.25 M faces. With few, leave --pretrain out and start from
# weights that others trained: --cfg-options model.pretrained=FILE (docs/deploy.md).
_base_ = [
    '../_base_/models/ssfer_vit-base-p16.py',
    '../_base_/datasets/semi_supervised_224px.py',
    '../_base_/schedules/ssfer_two-stage.py',
    '../_base_/default_runtime.py',
]

# Edit these three here: --cfg-options does not reach them, their values are copied below.
root = 'data/my_faces'
num_classes = 8
classes = None  # None: expressions, by the names of the folders; else your own: ['calm', 'tense']

data_preprocessor = dict(num_classes=num_classes, facemix=dict(extent='full'))
model = dict(
    pretrained='work_dirs/mae_vit-base-p16_faces-224px-600e/epoch_600.pth',
    classifier=dict(head=dict(num_classes=num_classes)),
    ema_warmup=True)  # the paper: False; few labels make few steps

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
