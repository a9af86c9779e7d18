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


@pytest.mark.parametrize('left_out, match', [
    ('whole_faces', 'but so do the pipelines.*whole_faces'),
    ('views', 'nothing makes views of them.*DeviceViews'),
])
def test_one_setting_without_the_other_is_refused_before_stage_two(tmp_path, left_out, match):
    cfg = with_views(tmp_path)
    del (cfg.train_dataloader.dataset if left_out == 'whole_faces'
         else cfg.model.data_preprocessor)[left_out]
    with pytest.raises(UserError, match=match):
        train(cfg)
    assert not list(tmp_path.glob('*.pth'))


def test_without_unlabeled_images_the_setting_counts(tmp_path):
    cfg = with_views(tmp_path, **{'train_cfg.semi': None})
    cfg.train_dataloader.dataset.unlabeled_pipeline = None
    assert train(cfg).iter > 0
    cfg.model.data_preprocessor.views = None
    with pytest.raises(UserError, match='nothing makes views'):
        train(cfg)
