"""What cannot work in stage III is told before stage II, and to try it changes nothing."""
import pytest
import torch
from mmpretrain.registry import MODELS
from torch import nn

from ssfer_mm import UserError
from ssfer_mm.engine import rehearsal, two_stage_hook
from ssfer_mm.models.pseudo_labels import ConfidenceThreshold
from support import runs
from support.models import resnet
from support.ssfer_steps import build, semi_batch


@MODELS.register_module()
class YesOrNo(ConfidenceThreshold):
    """A rule that says whether, where it should say how much."""

    def forward(self, probabilities, labeled=None):
        made = super().forward(probabilities, labeled)
        return made._replace(weights=made.weights > 0)


def config(tmp_path, size=16, **model):
    cfg = runs.config(tmp_path)
    views = cfg.train_dataloader.dataset.unlabeled_pipeline[1]
    views.weak[0].scale = views.strong[0].scale = (size, size)
    for name, value in model.items():
        cfg.model[name] = value
    return cfg


@pytest.mark.parametrize('options, told', [
    (dict(size=8), 'labeled images have 16 x 16 pixels, strong views 8 x 8'),
    (dict(pseudo_label=dict(type='YesOrNo')), r'YesOrNo gives weights of type torch.bool'),
])
def test_stage_iii_fails_before_stage_ii(tmp_path, options, told):
    with pytest.raises(UserError, match=told):
        runs.train(config(tmp_path, **options))
    assert not list(tmp_path.glob('**/*.pth'))


def test_every_unlabeled_source_is_looked_at(tmp_path):
    """Images of a second source that differ in size would end the run in stage III."""
    cfg = runs.config(tmp_path)
    data = cfg.train_dataloader.dataset
    data.unlabeled_pipeline = [dict(type='LoadFace'), dict(
        type='WeakStrongViews', weak=[], strong=[]), dict(type='PackViews')]
    data.extra_unlabeled = [dict(type='LargerFaces', data_root=None, subset='more')]
    with pytest.raises(UserError, match='differ in size: 16 x 16 and 20 x 20'):
        runs.train(cfg)


@runs.DATASETS.register_module()
class LargerFaces(runs.TinyFaces):

    METAINFO = dict(dataset_name='LargerFaces', classes=runs.CLASSES)

    def load_samples(self):
        wide = ((2, 2), (2, 2), (0, 0))
        return [sample._replace(image=runs.np.pad(sample.image, wide))
                for sample in super().load_samples()]


@pytest.mark.parametrize('rule', ['ConfidenceThreshold', 'FreeMatchThreshold'])
def test_the_run_is_the_same_without(tmp_path, monkeypatch, rule):
    """Weights, statistics of the rule, everything that is drawn."""
    def weights(name):
        cfg = config(tmp_path / name, classifier=resnet(), pseudo_label=dict(type=rule))
        cfg.train_dataloader.dataset.unlabeled_pipeline[1].strong.append(
            dict(type='TrackedRandomFlip', prob=0.5))
        return runs.train(cfg).model.state_dict()

    tried = []
    monkeypatch.setattr(two_stage_hook, 'rehearse',
                        lambda runner: tried.append(rehearsal.rehearse(runner)))
    rehearsed = weights('rehearsed')
    monkeypatch.setattr(two_stage_hook, 'rehearse', lambda runner: None)
    plain = weights('plain')
    assert len(tried) == 1 and rehearsed.keys() == plain.keys()
    assert all(torch.equal(rehearsed[name], plain[name]) for name in plain)


def test_compiled_networks_are_not_compiled_for_it():
    model, compiled = build(resnet()), []

    def backend(graph: nn.Module, inputs):
        compiled.append(graph)
        return graph.forward

    model.student.backbone.compile(backend=backend)
    batch = model.data_preprocessor(semi_batch(), True)
    with torch.no_grad():
        rehearsal._losses(model, batch)
        assert not compiled and model.last_pseudo_labels is None
        model(**batch, mode='loss')
    assert compiled


def test_the_teacher_judges_as_it_will(tmp_path, monkeypatch):
    """In evaluation mode, without which a single weak view would have no batch statistics."""
    modes, losses = [], rehearsal._losses
    monkeypatch.setattr(rehearsal, '_losses', lambda model, batch: (
        modes.append((model.student.training, model.teacher.training)), losses(model, batch)))
    runs.train(config(tmp_path, classifier=resnet()))
    assert modes == [(True, False)]
