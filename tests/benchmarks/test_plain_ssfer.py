"""The plain implementation that ours is timed against computes the same."""
import pytest
import torch
from mmengine.optim import build_optim_wrapper
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from ssfer_mm.apis.trials.benchmark import load_plain
from ssfer_mm.engine.exact_resume_hook import seed_all
from ssfer_mm.models.device_views import DeviceViews
from ssfer_mm.profiling.stage import AcceptShare
from support.models import resnet, ssfer, vit

BOXES = torch.tensor([[1., 1., 9., 9.], [3., 2., 15., 12.], [float('nan')] * 4, [0., 4., 8., 16.],
                      [2., 2., 14., 14.]])
TOLERANCE = 1e-6


def collated(labeled, unlabeled=0):
    draw = torch.Generator().manual_seed(1)

    def pixels(count):
        return torch.randint(256, (count, 3, 16, 16), generator=draw, dtype=torch.uint8)

    samples = [DataSample().set_gt_label(i % 3) for i in range(labeled)]
    for sample, box in zip(samples, BOXES):
        sample.set_field(box, 'face_box')
    batch = dict(inputs=dict(labeled=pixels(labeled)), data_samples=dict(labeled=samples))
    if unlabeled:
        batch['inputs'].update(weak=pixels(unlabeled), strong=pixels(unlabeled))
        batch['data_samples']['unlabeled'] = [DataSample() for _ in range(unlabeled)]
    return batch


def both(classifier):
    """Our model, and the plain steps around copies of its networks."""
    torch.manual_seed(3)
    model = MODELS.build(ssfer(classifier, dict(type='FaceMix', fixed_size=16,
                                                fixed_box=(2, 2, 14, 14)), ema_decay=0.9))
    model.init_weights()
    model.train()
    with torch.no_grad():  # a head that says something, and a teacher that is not the student
        for parameter in (*model.student.parameters(), *model.teacher.parameters()):
            parameter.add_(0.3 * torch.randn(parameter.shape))
    model.pseudo_label = AcceptShare(0.5)

    # Not Adam: it blows up the rounding of gradients that are zero, such as those of key biases.
    def sgd(student):
        return torch.optim.SGD(student.parameters(), lr=0.05, momentum=0.9)

    plain = load_plain().PlainSSFER(model, sgd, lambda views, device: BOXES[:len(views)])
    wrapper = build_optim_wrapper(model, dict(type='OptimWrapper', optimizer=dict(
        type='SGD', lr=0.05, momentum=0.9)))
    return model, plain, wrapper


def our_loss(model, batch):
    data = model.data_preprocessor(batch, True)
    return model.parse_losses(model(**data, mode='loss'))[0]


@pytest.mark.parametrize('classifier', [vit, resnet])
@pytest.mark.parametrize('batch', [collated(5), collated(3, 6)], ids=['stage II', 'stage III'])
def test_same_loss_and_gradients(classifier, batch):
    model, plain, _ = both(classifier())
    # In one pass or in two, batch statistics are those of other images: keep them fixed.
    model.student.eval()
    plain.student.eval()
    seed_all(7, 0, 0)
    ours = our_loss(model, batch)
    seed_all(7, 0, 0)
    theirs = plain.loss(batch)
    assert ours.item() == pytest.approx(theirs.item(), rel=TOLERANCE)
    ours.backward()
    theirs.backward()
    expected = load_plain().gradients(plain.student)
    scale = max(gradient.abs().max() for gradient in expected.values())
    assert scale > 0
    for name, gradient in load_plain().gradients(model.student).items():
        assert (gradient - expected[name]).abs().max() <= TOLERANCE * scale, name


def test_whole_faces_get_the_same_views():
    model, plain, _ = both(vit())
    model.data_preprocessor.views = DeviceViews(16, crop_ratio_range=(0.5, 1.))
    # Ours moves the boxes with the views; the plain step's detector finds these.
    model.data_preprocessor.views.move_boxes = lambda boxes, crops: boxes
    whole, semi = collated(5), collated(3, 6)
    semi['inputs'] = dict(labeled=semi['inputs']['labeled'], unlabeled=semi['inputs']['weak'])
    for batch in (whole, semi):
        seed_all(7, 0, 0)
        ours = our_loss(model, batch).item()
        seed_all(7, 0, 0)
        assert ours == pytest.approx(plain.loss(batch).item(), rel=TOLERANCE)


def test_rejected_images_made_a_difference_to_the_work_only():
    model, plain, _ = both(vit())
    seen = []
    for network in (model.student, plain.student):
        network.register_forward_pre_hook(lambda module, args: seen.append(len(args[0])))
    batch = collated(3, 6)
    our_loss(model, batch)
    assert seen == [6]
    plain.loss(batch)
    assert seen == [6, 3, 6]


@pytest.mark.parametrize('semi', [False, True])
@pytest.mark.parametrize('of, options', [
    ((True, True), dict()),
    ((True, True), dict(skip_rejected=False, pseudo_labels_from='student', ema_warmup=True)),
    ((False, False), dict(facemix=None)),
    ((False, True), dict(logit_adjustment=dict(type='LogitAdjustment'))),
    ((True, False), dict(semi_facemix=True)),
    ((True, False), dict(semi_logit_adjustment=dict(type='LogitAdjustment'))),
    ((True, False), dict(pseudo_label=dict(type='LabeledMargin'))),
    ((True, False), dict(pseudo_label=dict(type='ClusterPurity'))),
    ((True, False), dict(pseudo_label_loss=dict(type='PseudoLabelLoss', class_power=0.5))),
    ((True, False), dict(label_temperature=0.5)),
    ((True, False), dict(pseudo_mixup=dict(type='PseudoMixup'))),
    ((True, False), dict(rejected_loss=dict(type='NegativeLearning'))),
    ((True, False), dict(fairness=dict(type='SelfAdaptiveFairness')))])
def test_stages_that_the_plain_steps_know(semi, of, options):
    cfg = ssfer(vit(), **{'facemix': dict(type='FaceMix'), **options})
    assert load_plain().does_the_same(MODELS.build(cfg), {}, semi) == of[semi]


def test_several_weak_views_and_other_optimizer_steps_are_not_known():
    model, known = both(vit())[0], load_plain().does_the_same
    for wrapper in (dict(accumulative_counts=2), dict(clip_grad=dict(max_norm=1.))):
        assert not known(model, wrapper, semi=False)
    for count in (1, 2):
        model.data_preprocessor.views = DeviceViews(16, weak_views=count)
        assert known(model, {}, semi=False) and known(model, {}, semi=True) == (count == 1)


def test_same_weights_after_a_few_steps():
    model, plain, wrapper = both(vit())
    for step, batch in enumerate([collated(5), collated(3, 6), collated(5)]):
        seed_all(step, 0, 0)
        model.train_step(batch, wrapper)
        model.update_teacher()
        seed_all(step, 0, 0)
        plain.train_step(batch)
    for ours, theirs in ((model.student, plain.student), (model.teacher, plain.teacher)):
        for (name, a), b in zip(ours.named_parameters(), theirs.parameters()):
            assert torch.allclose(a, b, rtol=1e-4, atol=1e-5), name
