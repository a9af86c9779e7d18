"""``tools/test.py --tta``, of a training's checkpoint and of the exported classifier."""
import json

import pytest
import torch
from mmengine.config import Config

from ssfer_mm.apis.training import launch
from support.runs import config, train


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A finished run, with the flip noted at its validations."""
    folder = tmp_path_factory.mktemp('run')
    cfg = config(folder)
    cfg.model.flip_test = True
    train(cfg)
    cfg.dump(str(folder / 'config.py'))
    return folder


def scores(cfg: Config, checkpoint: str, folder, *options):
    """The tool's metrics."""
    path = folder / 'test_config.py'
    cfg.dump(str(path))
    return launch.test_main([str(path), checkpoint, '--work-dir', str(folder / 'test'), *options])


def logged(run):
    return json.loads((run / 'stages.json').read_text())['semi']['metrics']


@pytest.mark.parametrize('checkpoint', ['epoch_4.pth', 'classifier_semi.pth'])
@pytest.mark.parametrize('preprocessor', ['of the model', 'of the config'])
def test_measures_the_figure_that_validation_noted(run, tmp_path, checkpoint, preprocessor):
    cfg = Config.fromfile(str(run / 'config.py'))
    cfg.model.flip_test = False
    if preprocessor == 'of the config':  # as in all shipped ones
        cfg.data_preprocessor = cfg.model.pop('data_preprocessor')
    # As in all shipped ones: this hook reads the checkpoint with other eyes than mmengine.
    cfg.custom_hooks = [dict(type='ExactResumeHook')]
    plain = scores(cfg, str(run / checkpoint), tmp_path)
    flipped = scores(cfg, str(run / checkpoint), tmp_path, '--tta')
    assert plain['accuracy'] == pytest.approx(logged(run)['accuracy'])
    assert flipped['accuracy'] == pytest.approx(logged(run)['accuracy_tta'])
    assert 'accuracy_tta' not in plain


def test_the_averaged_scores_are_those_of_both_views(run, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr('mmpretrain.models.tta.AverageClsScoreTTA.merge_preds',
                        lambda self, views: seen.append(views) or views[0])
    cfg = Config.fromfile(str(run / 'config.py'))
    cfg.custom_hooks = []
    scores(cfg, str(run / 'classifier_semi.pth'), tmp_path, '--tta')
    first, second = seen[0][0]
    assert first.sample_id == second.sample_id
    assert not torch.equal(first.pred_score, second.pred_score)


def test_a_configs_own_way_goes_before(run, tmp_path):
    cfg = Config.fromfile(str(run / 'config.py'))
    cfg.custom_hooks = []
    *steps, pack = cfg.test_dataloader.dataset.pipeline
    cfg.tta_pipeline = [*steps, dict(type='TestTimeAug', transforms=[
        [dict(type='RandomFlip', prob=0.)], [pack]])]
    cfg.model.flip_test = False
    once = scores(cfg, str(run / 'classifier_semi.pth'), tmp_path, '--tta')
    assert once['accuracy'] == pytest.approx(logged(run)['accuracy'])
