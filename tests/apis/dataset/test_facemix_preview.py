"""The picture of FaceMix: what it shows is what FaceMix did."""
import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from reference.boxes import exact_iou
from ssfer_mm.apis.dataset.facemix_pairs import preview_pairs, summary
from ssfer_mm.apis.dataset.facemix_preview import facemix_main
from ssfer_mm.errors import UserError

CONFIG = '''
custom_imports = dict(imports=['ssfer_mm'], allow_failed_imports=False)
data_preprocessor = dict(facemix=dict(type='FaceMix', extent='full'))
train_dataloader = dict(dataset=dict(
    type='SemiSupervisedDataset',
    dataset=dict(type='SynthFER', subset='train', num_images=16, size=48, cache_dir=None,
                 boxes='dataset'),
    labeled_pipeline=[
        dict(type='LoadFace'), dict(type='TrackedRandomResizedCrop', scale=(32, 40)),
        dict(type='TrackedRandomFlip'), dict(type='PackFace')]))
'''


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp('configs') / 'tiny.py'
    path.write_text(CONFIG)
    return path


@pytest.fixture
def cfg(config):
    return Config.fromfile(str(config))


@pytest.mark.parametrize('extent', ['full', 'visible'])
def test_pairs_show_what_facemix_did(cfg, extent):
    cfg.data_preprocessor.facemix.extent = extent
    for pair in preview_pairs(cfg, pairs=5, seed=1):
        first, second = pair.first.image.astype(float), pair.second.image.astype(float)
        assert first.shape == (32, 40, 3)
        assert np.abs(pair.lam * first + (1 - pair.lam) * second - pair.mixed).max() <= 0.51
        box = 'full' if extent == 'full' else 'visible'
        assert pair.first.counted == getattr(pair.first, box)
        assert pair.iou == pytest.approx(exact_iou(pair.first.counted, pair.second.counted),
                                         abs=1e-5)
        assert pair.weight == pytest.approx(2 * (1 - pair.iou), abs=1e-5)


def test_views_that_the_model_makes(cfg):
    cfg.data_preprocessor.views = dict(type='DeviceViews', size=40, crop_ratio_range=(0.3, 0.5))
    cfg.train_dataloader.dataset.whole_faces = 48
    for pair in preview_pairs(cfg, pairs=5, seed=1):
        first, second = pair.first, pair.second
        assert first.image.shape == (40, 40, 3)
        assert pair.iou == pytest.approx(exact_iou(first.counted, second.counted), abs=1e-5)
        # A face that fills 48 pixels reaches beyond a view of half of them.
        assert min(first.full[:2]) < 0 or max(first.full[2:]) > 40


def test_the_same_seed_draws_the_same_pairs(cfg):
    first, again, other = (preview_pairs(cfg, 3, seed) for seed in (4, 4, 5))
    assert [p.first.sample_id for p in first] == [p.first.sample_id for p in again]
    assert all(np.array_equal(a.mixed, b.mixed) for a, b in zip(first, again))
    assert not all(np.array_equal(a.mixed, b.mixed) for a, b in zip(first, other))


def test_more_pairs_than_images(cfg):
    assert len(preview_pairs(cfg, pairs=20)) == 20


def test_faces_without_boxes_are_shown_as_such(cfg):
    cfg.train_dataloader.dataset.dataset.boxes = None
    pairs = preview_pairs(cfg, 2)
    assert all(pair.first.missing and pair.first.full is None for pair in pairs)
    # The paper's fixed box, (25, 25, 220, 220) at 224 pixels, in a view of 40 x 32.
    assert pairs[0].first.counted == pytest.approx((4.464, 3.571, 39.286, 31.429), abs=1e-3)
    assert 'plain Mixup' in summary(pairs, 'full')


def test_whole_views_as_boxes_are_warned_about(cfg):
    pairs = preview_pairs(cfg, 3)
    for pair in pairs:
        pair.iou = 1.
    assert 'WARNING' in summary(pairs, 'visible') and "extent='full'" in summary(pairs, 'visible')


def test_the_tool_writes_a_readable_picture(config, tmp_path, capsys):
    out = tmp_path / 'new' / 'facemix.png'
    facemix_main([str(config), '--out', str(out), '--pairs', '2', '--cfg-options',
                  'data_preprocessor.facemix.extent=visible'])
    picture = Image.open(out)
    assert picture.height > 2 * 160 and picture.width > 3 * 160
    assert '2 pairs, extent visible, IoU' in capsys.readouterr().out


@pytest.mark.parametrize('change, says', [
    (dict(data_preprocessor=dict(facemix=None)), 'without FaceMix'),
    (dict(train_dataloader=dict(dataset=dict(_delete_=True, type='SynthFER'))),
     'labeled_pipeline'),
])
def test_a_config_without_the_parts_is_explained(config, change, says):
    cfg = Config.fromfile(str(config))
    cfg.merge_from_dict(change)
    with pytest.raises(UserError, match=says):
        preview_pairs(cfg)


def test_nonsense_arguments_are_explained(config, cfg, tmp_path):
    with pytest.raises(UserError, match='--pairs 0'):
        preview_pairs(cfg, pairs=0)
    with pytest.raises(UserError, match='--out .*facemix.nonsense: .nonsense says no kind'):
        facemix_main([str(config), '--pairs', '1', '--out', str(tmp_path / 'facemix.nonsense')])


def test_a_seed_that_cannot_be(config, tmp_path):
    for seed in ('-1', str(2**32)):
        with pytest.raises(UserError, match=f'--seed {seed}: expected 0 to 4294967295'):
            facemix_main([str(config), '--seed', seed, '--out', str(tmp_path / 'x.png')])
