"""What a model's file and card say of its training."""
from pathlib import Path

import pytest

from ssfer_mm.model_files.training_summary import training_summary

PRETRAINED = dict(type='Pretrained', checkpoint='mae.pth')


@pytest.mark.parametrize('cfg, said', [
    (dict(model=dict(pretrained=None, classifier=dict(backbone=dict(depth=18)))), 'random weights'),
    (dict(model=dict(pretrained='/home/anna/mae.pth')), 'mae.pth'),
    (dict(model=dict(pretrained=None, classifier=dict(backbone=dict(init_cfg=PRETRAINED)))), None),
    (dict(model=dict(pretrained=None), load_from='other.pth'), None),
    (dict(model=dict(type='ImageClassifier')), None),
    (None, None)])
def test_what_a_training_began_with_is_said_where_its_config_says_it(tmp_path, cfg, said):
    summary = training_summary(Path(tmp_path / 'x.pth'), dict(epoch=3), cfg)
    assert summary.get('pretrained') == said
