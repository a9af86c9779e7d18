"""What leaves a training is a stock classifier that sees the same pixels."""
import pytest
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from ssfer_mm.models.export import classifier_config
from support.models import preprocessor, ssfer


@pytest.mark.parametrize('in_model', [True, False])
@pytest.mark.parametrize('to_rgb', [True, False])
def test_the_exported_preprocessor_makes_the_same_of_an_image(to_rgb, in_model):
    ours = dict(preprocessor(), to_rgb=to_rgb)
    model = dict(ssfer(), data_preprocessor=ours if in_model else None)
    exported = classifier_config(Config(dict(model=model, data_preprocessor=ours)))
    images = torch.randint(256, (2, 3, 8, 8), dtype=torch.uint8)
    stock = MODELS.build(exported['data_preprocessor'])
    seen = stock(dict(inputs=images, data_samples=[DataSample().set_gt_label(0)] * 2))['inputs']
    trained = MODELS.build(ours)(dict(inputs=dict(labeled=images), data_samples=dict(
        labeled=[DataSample().set_gt_label(0)] * 2)), training=True)['inputs']['labeled']
    torch.testing.assert_close(seen, trained)
