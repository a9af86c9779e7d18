"""A small dataset for the data check, and a config that names it."""
from ssfer_mm.datasets import ClassFolders, draw_split

CLASSES = ('happiness', 'neutral', 'sadness')
CONFIG = '''
train_dataloader = dict(dataset=dict(
    type='SemiSupervisedDataset',
    dataset=dict(type='ClassFolders', data_root={root!r}, subset='train', classes={classes!r},
                 boxes={boxes!r}),
    split={split!r}, labeled_pipeline=[], unlabeled_pipeline=[],
    extra_unlabeled=[dict(type='UnlabeledFaces', data_root={root!r} + '/more')]))
val_dataloader = dict(dataset=dict(
    type='ClassFolders', data_root={root!r}, subset={test!r}, classes={classes!r}))
test_dataloader = val_dataloader
{more}
'''
RECIPE = dict(fraction=0.5, seed=0)


def labeled(root):
    """The split of the config."""
    data = ClassFolders(str(root), classes=CLASSES)
    return draw_split('ClassFolders', CLASSES, data.ids(), data.labels(), **RECIPE)
