"""The moving average against a loop over single numbers, buffers included."""
import pytest
import torch
from mmpretrain.models.utils.attention import LeAttention
from torch import nn

from reference.ema import averaged_state
from ssfer_mm.models import MovingAverage, decay_at


def make_pair():
    def build():
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))

    teacher, student = build(), build()
    for steps, module in ((1, teacher), (3, student)):
        for _ in range(steps):
            module(torch.randn(4, 3, 6, 6))
    return teacher, student


@pytest.mark.parametrize('decay', [0.0, 0.3, 0.9, 0.999, 1.0])
def test_every_number_moves_as_it_should(decay):
    teacher, student = make_pair()
    expected, untouched = averaged_state(teacher, student, decay), {
        name: value.clone() for name, value in student.state_dict().items()}
    MovingAverage(teacher, student).update(decay)
    for name, value in teacher.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-7, msg=name)
    for name, value in student.state_dict().items():
        assert torch.equal(value, untouched[name]), name


def test_counters_are_copied_and_statistics_averaged():
    teacher, student = make_pair()
    mean = 0.9 * teacher[1].running_mean + 0.1 * student[1].running_mean
    MovingAverage(teacher, student).update(0.9)
    assert int(teacher[1].num_batches_tracked) == 3
    torch.testing.assert_close(teacher[1].running_mean, mean)


def test_limits_are_exact():
    teacher, student = make_pair()
    before = [p.clone() for p in teacher.parameters()]
    MovingAverage(teacher, student).update(1.0)
    assert all(torch.equal(a, b) for a, b in zip(before, teacher.parameters()))
    MovingAverage(teacher, student).update(0.0)
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, student.state_dict()[name]), name


def test_what_a_module_computed_in_advance_follows():
    """The attention of LeViT, TinyViT and EfficientFormer spreads its biases in ``eval()``."""
    teacher, student = (LeAttention(4, 2, 2, resolution=(2, 2)) for _ in range(2))
    student.attention_biases.data += torch.randn_like(student.attention_biases)
    teacher.eval()  # not chained: it returns nothing
    average = MovingAverage(teacher, student)
    images = torch.randn(3, 4, 4)
    for _ in range(2):
        average.update(0.5)
        fresh = LeAttention(4, 2, 2, resolution=(2, 2))
        fresh.load_state_dict(teacher.state_dict())
        fresh.eval()
        assert torch.equal(teacher(images), fresh(images))
    assert teacher.training is False


def test_warm_up_rises_to_the_decay():
    steps = [decay_at(step, 0.999, warmup=True) for step in range(20000)]
    assert steps[0] == pytest.approx(0.1) and steps[1] == pytest.approx(2 / 11)
    assert all(a <= b for a, b in zip(steps, steps[1:]))
    assert max(steps) == 0.999
    assert decay_at(0, 0.999, warmup=False) == 0.999


def test_many_updates_follow_the_closed_form():
    """A constant student is approached by the factor decay**n."""
    teacher, student = nn.Linear(3, 2), nn.Linear(3, 2)
    start, goal = teacher.weight.detach().clone(), student.weight.detach()
    for _ in range(50):
        MovingAverage(teacher, student).update(0.95)
    torch.testing.assert_close(teacher.weight.detach(), goal + 0.95**50 * (start - goal))


def test_an_average_goes_on_with_the_tensors_it_found():
    (teacher, student), single = make_pair(), make_pair()
    single[0].load_state_dict(teacher.state_dict())
    single[1].load_state_dict(student.state_dict())
    average = MovingAverage(teacher, student)
    for _ in range(3):
        average.update(0.8)
        MovingAverage(*single).update(0.8)
        for module in (student, single[1]):
            torch.nn.init.ones_(module[0].weight)  # in place, as optimizers write
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, single[0].state_dict()[name]), name
