"""Both stages with views made on the device, and a run that was interrupted."""
import pytest
import torch

from ssfer_mm import UserError
from support.outcome import weights
from support.runs import TOTAL, config, train

EXACT = [dict(type='ExactResumeHook')]
VIEWS = dict(type='DeviceViews', size=16, crop_ratio_range=(0.5, 1.))


def with_views(work_dir, **options):
    cfg = config(work_dir, facemix=dict(type='FaceMix'), hooks=EXACT)
    cfg.train_dataloader.dataset.whole_faces = 20
    cfg.model.data_preprocessor.views = VIEWS
    cfg.merge_from_dict(options)
    return cfg


def test_a_resumed_run_sees_the_views_it_would_have_seen(tmp_path):
    whole = train(with_views(tmp_path / 'whole'))
    assert whole.iter == TOTAL
    for epoch in (1, 3):
        resumed = train(with_views(tmp_path / f'{epoch}', resume=True,
                                   load_from=str(tmp_path / 'whole' / f'epoch_{epoch}.pth')))
        assert resumed.iter == TOTAL
    one, *others = (weights(tmp_path / name / 'epoch_4.pth') for name in ('whole', '1', '3'))
    assert all(torch.equal(one[key], other[key]) for other in others for key in one)


def test_half_of_the_two_settings_is_explained(tmp_path):
    cfg = with_views(tmp_path)
    del cfg.train_dataloader.dataset.whole_faces
    cfg.train_cfg.supervised = None
    with pytest.raises(UserError, match='whole_faces'):
        train(cfg)
