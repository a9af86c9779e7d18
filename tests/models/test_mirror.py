"""Test-time flip: a second prediction beside the first, from the image and its mirror image."""
import pytest
import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from support.models import resnet, ssfer


def build(**options):
    model = MODELS.build(ssfer(resnet(), **options))
    model.init_weights()
    for parameter in model.parameters():
        parameter.data += 0.03 * torch.randn_like(parameter)
    return model.eval()


def predict(model, images):
    samples = [DataSample().set_gt_label(0) for _ in images]
    with torch.no_grad():
        return model(images, samples, mode='predict')


def test_the_second_score_is_the_mean_of_both_views_and_the_first_one_stays():
    model, images = build(flip_test=True), torch.randn(3, 3, 32, 32)
    predicted = predict(model, images)
    with torch.no_grad():
        seen = model.teacher(images).softmax(1)
        mirrored = model.teacher(torch.from_numpy(images.numpy()[..., ::-1].copy())).softmax(1)
    assert not torch.allclose(seen, mirrored)
    torch.testing.assert_close(torch.stack([s.pred_score for s in predicted]), seen)
    torch.testing.assert_close(torch.stack([s.tta_score for s in predicted]),
                               (seen + mirrored) / 2)
    assert [int(s.pred_label) for s in predicted] == seen.argmax(1).tolist()


def test_an_image_and_its_mirror_image_get_the_same_second_score():
    model, images = build(flip_test=True), torch.randn(2, 3, 32, 32)
    scores = [torch.stack([s.tta_score for s in predict(model, views)])
              for views in (images, images.flip(-1))]
    torch.testing.assert_close(*scores)


@pytest.mark.parametrize('options', [{}, dict(flip_test=False)])
def test_it_is_off_unless_asked_for(options):
    assert all('tta_score' not in s for s in predict(build(**options), torch.randn(2, 3, 32, 32)))
