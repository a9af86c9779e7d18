"""Two processes train as one: over the stage switch, with gloo, started as users start it."""
import json
import os
import subprocess
import sys

import pytest
import torch

from ssfer_mm.apis import load_config
from support.outcome import stages
from support.shrink import REPO, shrink, write

WORLD, UNLABELED = 2, 3  # processes; unlabeled images per batch and process


@pytest.fixture(scope='module')
def run(tmp_path_factory, raw):
    """The work dir of a run of two processes, two epochs per stage."""
    folder = tmp_path_factory.mktemp('two')
    cfg = shrink(load_config('configs/ssfer/synthfer_5pct_vit-micro.py'), folder / 'run', raw)
    cfg.train_cfg.supervised.epochs = cfg.train_cfg.semi.epochs = 2
    cfg.train_cfg.semi.unlabeled = UNLABELED
    cfg.custom_imports.imports.append('support.probes')
    cfg.custom_hooks.append(dict(type='RecordUse'))
    cfg.default_hooks.logger.interval = 1
    next(hook for hook in cfg.custom_hooks if hook.type == 'FaceMixMonitor').interval = 2
    config = write(cfg, folder / 'two.py')
    environment = dict(os.environ, PYTHON=sys.executable, PYTHONPATH=f'{REPO}:{REPO / "tests"}',
                       OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='')
    done = subprocess.run(['bash', str(REPO / 'tools' / 'dist_train.sh'), config, str(WORLD),
                           '--auto-scale-lr'], env=environment, capture_output=True, text=True,
                          timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder / 'run'


@pytest.fixture(scope='module')
def records(run):
    return [json.loads((run / f'rank{rank}.json').read_text()) for rank in range(WORLD)]


def test_both_end_with_the_same_student_and_teacher(run):
    one, other = (torch.load(run / f'rank{rank}.pt') for rank in range(WORLD))
    assert one.keys() == other.keys()
    assert {key.split('.')[0] for key in one} >= {'student', 'teacher'}
    assert [key for key in one if not torch.equal(one[key], other[key])] == []
    saved = torch.load(run / 'epoch_4.pth', weights_only=False)['state_dict']
    assert all(torch.equal(saved[key], value) for key, value in one.items())


def test_an_image_is_used_once_per_epoch_over_both(records):
    for epoch in (2, 3):
        used = [image for record in records for image in record['epochs'][epoch]['unlabeled']]
        assert len(used) == len(set(used)) == 24
    for epoch in (0, 1):
        used = [image for record in records for image in record['epochs'][epoch]['labeled']]
        assert len(used) == len(set(used)) == 6
        assert all(record['epochs'][epoch]['unlabeled'] == [] for record in records)
    orders = [record['epochs'][epoch]['unlabeled'] for record in records for epoch in (2, 3)]
    assert len({tuple(order) for order in orders}) == len(orders)


def test_labeled_and_unlabeled_images_stay_apart(run, records):
    split = set(json.loads((run / 'split.json').read_text())['labeled'])
    for record in records:
        for epoch in record['epochs']:
            assert set(epoch['labeled']) <= split and not split & set(epoch['unlabeled'])


def test_the_learning_rate_scales_with_the_batch_in_both_stages(records):
    """Two processes x 3 labeled images, for a base of 32; then x 3 + 3 for a base of 32 + 128."""
    cfg = load_config('configs/ssfer/synthfer_5pct_vit-micro.py')
    ratio = WORLD * 3 / cfg.auto_scale_lr.base_batch_size
    semi = cfg.train_cfg.semi
    assert semi.base_batch_size == semi.labeled + semi.unlabeled
    first_of_semi = semi.optim_wrapper.optimizer.lr * WORLD * (3 + UNLABELED) / 160
    warm_up = cfg.param_scheduler[0].start_factor
    first = cfg.optim_wrapper.optimizer.lr * ratio * warm_up
    for record in records:
        assert len(record['lrs']) == 2 * (8 // 6) + 2 * (24 // 6)
        assert record['lrs'][0] == pytest.approx(first)
        assert record['lrs'][2] == pytest.approx(first_of_semi)


def test_the_report_counts_each_epoch_once(run):
    report = stages(run)
    assert (report['supervised']['epochs'], report['semi']['epochs']) == (2, 2)
    assert (report['supervised']['iterations'], report['semi']['iterations']) == (2, 8)
    assert all('metrics' in stage for stage in report.values())


def test_facemix_is_judged_once(run):
    """And not again, on no batches at all, in every epoch of stage III."""
    log = next(path for path in run.glob('*/*.log') if 'Stage "semi"' in path.read_text())
    assert log.read_text().count('FaceMix over 2 batches') == 1
    assert log.read_text().count('FaceMix over') == 1
