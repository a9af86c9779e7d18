"""Training refuses images that its accuracy is measured on."""
import pytest
from mmpretrain.registry import DATASETS

from ssfer_mm.apis.training.launch import train
from ssfer_mm.datasets import FER2013, FERDataset, UnlabeledFaces
from ssfer_mm.datasets.same_images import keys_of, shared_ids
from ssfer_mm.errors import UserError
from support import layouts, runs
from support.photos import photo


@DATASETS.register_module()
class LeakyFaces(runs.TinyFaces):
    """A test set that holds an image of the training set."""

    def __init__(self, leak: int = 0, **settings):
        self.leak = leak
        super().__init__(**settings)

    def id_scope(self):
        return 'TinyFaces'

    def load_samples(self):
        first, *others = super().load_samples()
        return [first._replace(id=f'train/{self.leak}'), *others]


@DATASETS.register_module()
class OtherOrder(runs.TinyFaces):
    METAINFO = dict(dataset_name='OtherOrder', classes=runs.CLASSES[::-1])


def leaky(cfg, loader, leak):
    cfg[f'{loader}_dataloader'].dataset.update(type='LeakyFaces', leak=leak)
    return cfg


@pytest.fixture
def ids(tmp_path):
    """Places of a labeled and of an unlabeled image."""
    data = DATASETS.build(runs.config(tmp_path).train_dataloader.dataset)
    chosen = {int(name.split('/')[1]) for name in data.split.labeled}
    return dict(labeled=min(chosen), unlabeled=min(set(range(runs.IMAGES)) - chosen))


@pytest.mark.parametrize('part', ['labeled', 'unlabeled'])
@pytest.mark.parametrize('loader', ['val', 'test'])
def test_training_is_refused(tmp_path, ids, part, loader):
    cfg = leaky(runs.config(tmp_path), loader, ids[part])
    with pytest.raises(UserError) as caught:
        train(cfg)
    message = str(caught.value)
    assert f'{part} training images are also in {loader}_dataloader' in message
    assert f'train/{ids[part]}' in message and '\n' not in message


def test_baseline_without_unlabeled_images_may_be_tested_on_them(tmp_path, ids):
    cfg = leaky(runs.config(tmp_path), 'test', ids['unlabeled'])
    cfg.train_dataloader.dataset.unlabeled_pipeline = None
    cfg.train_cfg.semi = None
    train(cfg)


def test_transductive_runs_have_to_say_so(tmp_path, ids):
    """Once: the shipped configs have a strict hook, which stays in the list."""
    cfg = leaky(runs.config(tmp_path), 'val', ids['unlabeled'])
    cfg.custom_hooks.append(dict(type='HeldOutHook'))
    cfg.custom_hooks.append(dict(type='HeldOutHook', allow_unlabeled=True))
    train(cfg)
    cfg = leaky(runs.config(tmp_path / 'other'), 'val', ids['labeled'])
    cfg.custom_hooks.append(dict(type='HeldOutHook', allow_unlabeled=True))
    with pytest.raises(UserError, match='labeled training images'):
        train(cfg)


def test_test_set_that_is_not_there_does_not_stop_training(tmp_path):
    cfg = runs.config(tmp_path)
    cfg.test_dataloader.dataset = dict(type='FERPlus', data_root=str(tmp_path / 'none'))
    train(cfg)


def test_classes_of_another_order_are_refused(tmp_path):
    cfg = runs.config(tmp_path)
    cfg.val_dataloader.dataset.type = 'OtherOrder'
    with pytest.raises(UserError, match='val_dataloader has .*: labels are numbers in this order'):
        train(cfg)


def test_a_model_of_more_classes_than_the_data_is_refused(tmp_path):
    cfg = runs.config(tmp_path)
    cfg.model.data_preprocessor.num_classes = cfg.model.classifier.head.num_classes = 4
    with pytest.raises(UserError, match='have 3 classes .*, the model 4: set'):
        train(cfg)


def test_a_wrapped_test_set_is_compared_too(tmp_path, ids):
    cfg = leaky(runs.config(tmp_path), 'test', ids['labeled'])
    inside = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = dict(type='ConcatDataset', datasets=[inside])
    with pytest.raises(UserError, match='also in test_dataloader'):
        train(cfg)


def test_file_is_known_under_any_id_and_link(tmp_path):
    import cv2
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / '1.png'), photo(0, 16))
    (tmp_path / 'link').symlink_to(tmp_path / 'a')
    own, other, link = (UnlabeledFaces(str(tmp_path / name)) for name in ('a', 'b', 'link'))
    assert shared_ids(own, [0], keys_of(link)) == ['a/1.png']
    assert shared_ids(own, [0], keys_of(other)) == []
    (tmp_path / 'links').mkdir()
    (tmp_path / 'links' / 'other-name.png').symlink_to(tmp_path / 'a' / '1.png')
    assert shared_ids(own, [0], keys_of(UnlabeledFaces(str(tmp_path / 'links')))) == ['a/1.png']


def test_equal_ids_under_different_roots_mean_nothing(tmp_path):
    a, b, link = (str(tmp_path / name) for name in ('a', 'b', 'link'))
    (tmp_path / 'link').symlink_to(tmp_path / 'a')
    ours = runs.TinyFaces(data_root=a)
    assert shared_ids(ours, [0], keys_of(runs.TinyFaces(data_root=b))) == []
    assert shared_ids(ours, [0], keys_of(runs.TinyFaces(data_root=link))) == ['train/0']


def test_equal_ids_of_a_published_dataset_mean_the_same_image(tmp_path):
    for name in 'ab':
        layouts.make_fer2013(tmp_path / name, 1, 1)
    ours, theirs = (FER2013(str(tmp_path / name)) for name in 'ab')
    assert shared_ids(ours, [0], keys_of(theirs)) == ours.ids()[:1]


def test_equal_ids_of_different_datasets_mean_nothing():
    class Other(runs.TinyFaces):
        pass
    ours, theirs = runs.TinyFaces(data_root=None), Other(data_root=None)
    assert isinstance(ours, FERDataset) and shared_ids(ours, [0], keys_of(theirs)) == []
    assert shared_ids(ours, [0, 5], keys_of(ours)) == ['train/0', 'train/5']
