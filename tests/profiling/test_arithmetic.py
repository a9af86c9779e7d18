"""Counted work is what one works out on paper, and splits into what grows with the batch."""
import pytest
import torch
import torch.nn.functional as F

from reference.mae_flops import mae_flops
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from ssfer_mm.profiling.arithmetic import StepWork, Work, count, count_step
from ssfer_mm.profiling.pretraining import Pretraining

MICRO = 'configs/mae/mae_vit-micro-p8_faces-48px.py'


@pytest.mark.parametrize('pixels', [48, 32])
def test_products_of_a_masked_autoencoder(pixels):
    cfg = load_config(MICRO, {'model.backbone.img_size': pixels,
                              'model.neck.num_patches': (pixels // 8) ** 2})
    work = Pretraining(cfg).work()
    assert work.per_image.flops == pytest.approx(mae_flops(pixels, 8, 128, 6, 512, 64, 2), rel=1e-6)
    assert work.per_step.flops == pytest.approx(0, abs=1)


@pytest.mark.parametrize('what, call, expected', [
    ('a product, both passes', lambda a: (a @ a).sum().backward(), 3 * 2 * 8**3),
    ('convolution of 6 x 6 outputs',
     lambda a: F.conv2d(a.expand(1, 1, 8, 8), torch.ones(1, 1, 3, 3)), 2 * 36 * 9),
    ('nothing but additions', lambda a: a + a, 0),
])
def test_flops_are_those_of_products(what, call, expected):
    assert count(lambda: call(torch.ones(8, 8, requires_grad=True))).flops == expected, what


@pytest.mark.parametrize('what, call, touched', [
    ('two reads and a write', lambda a: a + a.clone().detach(), (2 + 3) * 400),
    ('in place: a read and a write', lambda a: a.add_(1), 2 * 400),
    ('views move nothing', lambda a: a.view(100).view(10, 10).t(), 0),
    ('a broadcast row is read once', lambda a: a + a[:1].expand(10, 10), 2 * 400 + 40),
    ('memory that is not filled', lambda a: torch.empty(10, 10), 0),
])
def test_bytes_are_those_of_everything_else(what, call, touched):
    a = torch.ones(10, 10)
    assert count(lambda: call(a)).bytes == touched, what


def test_attention_on_cpus_is_counted():
    q = torch.zeros(2, 3, 5, 8, requires_grad=True)
    work = count(lambda: F.scaled_dot_product_attention(q, q, q).sum().backward())
    assert work.flops == (2 + 5) * 2 * (2 * 3) * 5 * 5 * 8


def test_a_step_is_split_into_images_and_the_rest():
    weights = torch.zeros(10, 10, requires_grad=True)

    def step(images):
        (torch.zeros(images, 10) @ weights).sum().backward()

    work = count_step(step, lambda: weights.grad.zero_())
    assert work.of(5).flops == pytest.approx(count(lambda: step(5)).flops)
    assert work.per_image.operations == 0 and work.per_step.operations > 0


def test_other_stages_are_refused():
    with pytest.raises(UserError, match='knows MAE only'):
        Pretraining(load_config('configs/ssfer/ferplus_5pct_vit-micro.py'))


def test_work_adds_up():
    work = StepWork(Work(1, 2), Work(0, 10, 3))
    assert work.of(4) == Work(4, 18, 3)
    assert work.of(4) - work.of(3) == Work(1, 2, 0)
