"""Shrunken runs of every shipped config through the real runner, on data as it lies on disk."""
import math
from decimal import ROUND_HALF_UP, Decimal

import pytest
import torch
from mmpretrain.registry import MODELS

from ssfer_mm.apis import load_config, train
from ssfer_mm.datasets import load_split
from ssfer_mm.errors import UserError
from support import layouts
from support.outcome import scalars, stages, weights
from support.shrink import LABELED, REPO, UNLABELED, configs, shrink

SSFER = configs('ssfer')


def run(name, work_dir, roots, **options):
    cfg = shrink(load_config(REPO / 'configs' / name), work_dir, roots)
    for key, value in options.items():
        cfg.merge_from_dict({key.replace('__', '.'): value})
    return train(cfg)


def expected_split(runner, percent):
    """How many images of each class are labeled: max(1, round(p n)), halves up."""
    dataset = runner.train_dataloader.dataset
    totals = torch.bincount(torch.tensor(dataset.dataset.labels())).tolist()
    counts = [max(1, int((Decimal(percent) / 100 * n).quantize(Decimal(1), ROUND_HALF_UP)))
              for n in totals]
    return dict(zip(dataset.metainfo['classes'], zip(counts, totals)))


@pytest.mark.parametrize('name', SSFER)
def test_ssfer_config_trains_both_stages(name, tmp_path, raw):
    runner = run(name, tmp_path, raw)
    labeled, unlabeled = runner.train_dataloader.dataset.source_sizes
    if 'pct' in name:
        split = load_split(str(tmp_path / 'split.json'))
        assert split.counts == expected_split(runner, name.split('pct')[0].rsplit('_', 1)[1])
        assert labeled == len(split.labeled)
    report = stages(tmp_path)
    assert report['supervised']['iterations'] == labeled // LABELED >= 2
    assert report['semi']['iterations'] == unlabeled // UNLABELED >= 2
    assert runner.iter == labeled // LABELED + unlabeled // UNLABELED
    for stage in report.values():
        assert stage['epochs'] == 1 and 0 <= stage['metrics']['accuracy'] <= 100
    log = [line for line in scalars(tmp_path) if 'loss' in line]
    assert len(log) == 2 and all(math.isfinite(line['loss']) for line in log)
    assert 'loss_facemix' in log[0] and 'coverage' in log[1]
    assert ('loss_facemix' in log[1]) is ('aligned' in name), 'FaceMix is for stage II'
    assert math.isfinite(log[0]['iou_mean']), 'FaceMix found no boxes'
    exported = weights(tmp_path / 'classifier_semi.pth')
    checkpoint = weights(tmp_path / 'epoch_2.pth')
    assert exported.keys() == {key[8:] for key in checkpoint if key.startswith('teacher.')}
    assert all(torch.equal(value, checkpoint[f'teacher.{key}'])
               for key, value in exported.items())
    before = weights(tmp_path / 'classifier_supervised.pth')
    assert any(not torch.equal(value, before[key]) for key, value in exported.items())


@pytest.mark.parametrize('name, styles', [
    ('ssfer/rafdb_5pct.py', dict(data_rafdb='class_folders')),
    ('ssfer/ferplus_5pct_vit-micro.py', dict(data_ferplus='csv')),
])
def test_the_other_layout_needs_no_other_config(name, styles, tmp_path, raw):
    (folder, style), = styles.items()
    folder = folder.replace('_', '/')
    make = dict(rafdb=layouts.make_rafdb, ferplus=layouts.make_ferplus)[folder[5:]]
    make(tmp_path / 'other', train=2, style=style)
    runner = run(name, tmp_path / 'run', {**raw, folder: tmp_path / 'other'})
    assert runner.epoch == 2
    figures = [line for line in scalars(tmp_path / 'run') if 'iou_mean' in line]
    assert 0 < figures[-1]['iou_mean'] < 1 and figures[-1]['boxes_missing'] == 0


def test_affectnet_without_boxes_trains_as_its_config_says(tmp_path, raw):
    layouts.make_affectnet(tmp_path / 'npy', train=2, valid=1, style='npy')
    roots = {**raw, 'data/affectnet': tmp_path / 'npy'}
    with pytest.raises(UserError, match='supplies no face boxes'):
        run('ssfer/affectnet8_5pct.py', tmp_path / 'run', roots)
    runner = run('ssfer/affectnet8_5pct.py', tmp_path / 'run', roots,
                 train_dataloader__dataset__dataset__boxes='image',
                 val_dataloader__dataset__boxes='image',
                 data_preprocessor__facemix__extent='full')
    assert runner.epoch == 2


@pytest.mark.parametrize('name', ['rafdb_25pct', 'ferplus_5pct_vit-micro'])
@pytest.mark.parametrize('kind', ['labeled-only', 'mixup', 'fixmatch'])
def test_baseline_trains(name, kind, tmp_path, raw):
    runner = run(f'baselines/{name}_{kind}.py', tmp_path, raw)
    stage = 'semi' if kind == 'fixmatch' else 'supervised'
    assert list(stages(tmp_path)) == [stage] and runner.epoch == 1
    assert (tmp_path / f'classifier_{stage}.pth').is_file()
    line = next(line for line in scalars(tmp_path) if 'loss' in line)
    assert {'labeled-only': 'loss_labeled', 'mixup': 'loss_facemix',
            'fixmatch': 'loss_unlabeled'}[kind] in line
    assert ('loss_facemix' in line) == (kind == 'mixup')
    group = runner.optim_wrapper.optimizer.param_groups[0]
    assert group['betas'] == ((0.9, 0.999) if kind == 'fixmatch' else (0.9, 0.95))


@pytest.mark.parametrize('name', configs('mae'))
def test_stage_one_trains(name, tmp_path, raw):
    runner = run(name, tmp_path, raw)
    assert runner.iter == len(runner.train_dataloader.dataset) // 6 >= 2
    line = next(line for line in scalars(tmp_path) if 'loss' in line)
    assert math.isfinite(line['loss']) and line['loss'] > 0
    assert (tmp_path / 'epoch_1.pth').is_file()


def test_stage_one_checkpoint_drops_in(finished):
    """One value carries every weight of the MAE's encoder into student and teacher."""
    cfg = load_config(finished.config, {'model.pretrained': str(finished.stage1)})
    model = MODELS.build(dict(cfg.model.to_dict(), data_preprocessor=cfg.data_preprocessor))
    model.init_weights()
    encoder = {key[9:]: value for key, value in weights(finished.stage1).items()
               if key.startswith('backbone.')}
    assert len(encoder) > 20
    for network in (model.student, model.teacher):
        own = network.backbone.state_dict()
        assert encoder.keys() == own.keys()
        assert all(torch.equal(own[key], value) for key, value in encoder.items())
