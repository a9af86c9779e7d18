"""Every shipped config builds, is consistent, and is as short as it should be."""
import copy

import pytest
import torch
from mmengine.dataset import Compose
from mmengine.hooks import Hook
from mmengine.optim import build_optim_wrapper
from mmengine.registry import PARAM_SCHEDULERS
from mmpretrain.registry import DATA_SAMPLERS, DATASETS, HOOKS, METRICS, MODELS, TRANSFORMS

from ssfer_mm import datasets, expressions
from ssfer_mm.apis import load_config
from ssfer_mm.models.export import classifier_config
from support.shrink import REPO, configs

MAE = configs('mae')
STAGED = configs('ssfer', 'baselines')
CLASSES = dict(RAFDB=expressions.RAFDB7, FERPlus=expressions.FERPLUS8,
               SynthFER=expressions.SYNTHFER8)


def load(name):
    return load_config(REPO / 'configs' / name)


def build_model(cfg):
    """Without memory or weights where the architecture allows, so that ViT-B costs nothing."""
    model = dict(cfg.model.to_dict(), data_preprocessor=cfg.data_preprocessor.to_dict())
    classifier = model.get('classifier', model)
    # The others ask tensors for numbers while they are built.
    plainly = 'ViT' not in classifier['backbone']['type'] and (
        classifier['backbone']['type'] != 'VisionTransformer')
    with torch.device('cpu' if plainly else 'meta'):
        return MODELS.build(model)


def test_all_configs_of_the_issue_are_there():
    wanted = {f'ssfer/{data}_{share}pct.py' for data in ('rafdb', 'ferplus')
              for share in (5, 10, 25)}
    wanted |= {f'ssfer/affectnet{classes}_{share}pct.py' for classes in (7, 8)
               for share in (1, 5, 10)}
    wanted |= {f'ssfer/ferplus_{share}pct_vit-micro.py' for share in (5, 10, 25)}
    wanted |= {f'ssfer/rafdb_25pct_{name}.py' for name in
               ('resnet50', 'convnext-tiny', 'swin-tiny')}
    wanted |= {'ssfer/synthfer_5pct_vit-micro.py', 'mae/mae_vit-base-p16_faces-224px-600e.py',
               'mae/mae_vit-micro-p8_faces-48px.py'}
    assert wanted <= {*MAE, *STAGED}
    kinds = {name.rsplit('_', 1)[1] for name in configs('baselines') if '100pct' not in name}
    assert kinds == {'labeled-only.py', 'mixup.py', 'fixmatch.py'}


@pytest.mark.parametrize('name', MAE + STAGED)
def test_loaders_are_such_as_pytorch_takes(name):
    """Without our launcher, which would repair them: mmpretrain's own tools must do."""
    cfg = load(name)
    for part in ('train', 'val', 'test'):
        loader = cfg.get(f'{part}_dataloader') or {}
        assert loader.get('num_workers') or not loader.get('persistent_workers'), part


@pytest.mark.parametrize('name', MAE + STAGED)
def test_builds(name):
    cfg = load(name)
    model = build_model(cfg)
    wrappers = [cfg.optim_wrapper]
    schedules = [*cfg.param_scheduler]
    semi = cfg.train_cfg.get('semi')
    if semi:
        wrappers.append(semi.optim_wrapper)
        schedules += semi.param_scheduler
    for wrapper in wrappers:
        built = build_optim_wrapper(model, copy.deepcopy(wrapper))
        owned = {id(p) for group in built.optimizer.param_groups for p in group['params']}
        assert {id(p) for p in model.parameters() if p.requires_grad} <= owned
        for schedule in schedules:
            PARAM_SCHEDULERS.build(copy.deepcopy(schedule),
                                   default_args=dict(optimizer=built, epoch_length=7))
    for hook in [*cfg.default_hooks.values(), *cfg.get('custom_hooks', [])]:
        assert isinstance(HOOKS.build(copy.deepcopy(hook)), Hook)


@pytest.mark.parametrize('name', MAE + STAGED)
def test_pipelines_build_and_fit_the_input_size(name):
    """Whatever the raw size, the network gets images of the size it was made for."""
    cfg = load(name)
    train = cfg.train_dataloader.dataset
    model = cfg.model.get('classifier', cfg.model)
    # A convolutional network takes any size; these are meant for 48 px.
    small = any(word in name for word in ('micro', 'nano', 'resnet18'))
    size = model.backbone.get('img_size', 48 if small else 224)
    raw = dict(img=torch.randint(256, (50, 40, 3), dtype=torch.uint8).numpy(), sample_id='a')
    if 'pipeline' in train:
        views = [run(train.pipeline, raw)['inputs']]
    else:
        unlabeled = run(train.unlabeled_pipeline, raw)
        views = [run(train.labeled_pipeline, raw)['inputs'],
                 *(unlabeled[key] for key in ('weak', 'strong', 'unlabeled') if key in unlabeled),
                 run(cfg.val_dataloader.dataset.pipeline, raw)['inputs'],
                 run(cfg.test_dataloader.dataset.pipeline, raw)['inputs']]
        # Whole faces go through the preprocessor, which makes views of this size.
        assert ('unlabeled' in unlabeled) == ('views' in cfg.data_preprocessor)
        assert cfg.data_preprocessor.get('views', dict(size=size))['size'] == size
    assert {tuple(view.shape) for view in views} == {(3, size, size)}


def run(pipeline, raw):
    return Compose([TRANSFORMS.build(step) for step in pipeline])(dict(raw))


@pytest.mark.parametrize('name', STAGED)
def test_classes_agree(name):
    """Dataset, preprocessor and head count the same classes; training and test set too."""
    cfg = load(name)
    labeled = cfg.train_dataloader.dataset.dataset
    sets = [labeled, cfg.val_dataloader.dataset, cfg.test_dataloader.dataset]
    assert len({(data.type, data.get('num_classes')) for data in sets}) == 1
    if labeled.type == 'AffectNet':
        classes = {7: expressions.AFFECTNET7, 8: expressions.AFFECTNET8}[labeled.num_classes]
    else:
        classes = CLASSES.get(labeled.type, expressions.AFFECTNET8)
    exported = classifier_config(cfg)
    assert len(classes) == cfg.data_preprocessor.num_classes
    assert len(classes) == cfg.model.classifier.head.num_classes
    assert len(classes) == exported['data_preprocessor']['num_classes']


@pytest.mark.parametrize('name', MAE + STAGED)
def test_subsets_exist_and_test_images_stay_out_of_training(name):
    cfg = load(name)
    train = cfg.train_dataloader.dataset
    train = train.get('dataset', train)
    own = DATASETS.get(train.type)
    subset = train.get('subset', 'train')
    known = getattr(own, 'SUBSETS', ())  # stores of faces have no subsets
    assert not known or subset in known
    if name not in MAE:
        for data in (cfg.val_dataloader.dataset, cfg.test_dataloader.dataset):
            assert data.subset in own.SUBSETS and data.subset != subset
            assert data.get('data_root') == train.get('data_root')


@pytest.mark.parametrize('name', STAGED)
def test_loaders_and_metrics_build(name):
    cfg = load(name)
    loader = cfg.train_dataloader
    sampler = DATA_SAMPLERS.get(loader.sampler.type)
    batches = DATA_SAMPLERS.get(loader.batch_sampler.type)
    assert (sampler, batches) == (datasets.TwoSourceSampler, datasets.TwoSourceBatchSampler)
    METRICS.build(cfg.val_evaluator.to_dict())
    assert cfg.val_evaluator == cfg.test_evaluator
    # No checkpoint is chosen on the test set.
    assert 'save_best' not in cfg.default_hooks.checkpoint


@pytest.mark.parametrize('name', configs('ssfer'))
def test_derived_configs_are_short_and_change_what_their_name_says(name):
    text = (REPO / 'configs' / name).read_text()
    cfg = load(name)
    split = cfg.train_dataloader.dataset.split
    if 'pct' in name:
        percent = int(name.split('pct')[0].rsplit('_', 1)[1])
        assert split == dict(fraction=percent / 100, seed=0)
    if "_base_ = ['./" in text:
        assert len(text.splitlines()) <= 12


@pytest.mark.parametrize('name, stage_one', [
    ('ssfer/my-faces_resnet-nano.py', 'mae/spark_resnet-nano_faces-48px.py'),
    ('ssfer/my-faces_vit-base-p16.py', 'mae/mae_vit-base-p16_faces-224px-600e.py')])
def test_faces_of_your_own_start_from_the_stage_one_that_their_file_names(name, stage_one):
    """Another network or another size of image would not fit, or fit badly."""
    ours, first = load(name), load(stage_one)
    assert f'--pretrain configs/{stage_one} ' in (REPO / 'configs' / name).read_text()
    trained = stage_one[len('mae/'):-len('.py')]
    assert ours.model.pretrained == f'work_dirs/{trained}/epoch_{first.train_cfg.max_epochs}.pth'
    pipelines = (first.train_dataloader.dataset.pipeline,
                 ours.train_dataloader.dataset.labeled_pipeline)
    sizes = [step.scale for pipeline in pipelines for step in pipeline if 'Crop' in step.type]
    assert len(sizes) == 2 and sizes[0] == sizes[1]


def test_the_training_of_the_shipped_recognizer_is_stage_ii_with_all_labels():
    ours = load('ssfer/ferplus_25pct_resnet-micro_gpu.py')
    theirs = load('baselines/ferplus_100pct_resnet-micro_gpu.py')
    assert {key for key in ours if ours[key] != theirs[key]} == {
        'data_preprocessor', 'train_cfg', 'train_dataloader', 'param_scheduler'}
    assert theirs.train_dataloader.dataset.split.fraction == 1
    assert theirs.data_preprocessor.facemix is None and theirs.train_cfg.semi is None
    assert max(s.end for s in theirs.param_scheduler) == theirs.train_cfg.supervised.epochs


# With all labels there is no SSFER to compare with: that is the shipped recognizer, see above.
@pytest.mark.parametrize('name', [n for n in configs('baselines') if '100pct' not in n])
def test_a_baseline_differs_from_its_method_in_little(name):
    """The same labels, images, network, schedule; only what makes it a baseline changes."""
    method, _, kind = name[:-3].split('/')[1].rpartition('_')
    ours, theirs = load(f'ssfer/{method}.py'), load(name)
    changed = {key for key in ours if ours[key] != theirs[key]}
    expected = {
        'labeled-only': {'data_preprocessor', 'train_cfg'},
        'mixup': {'data_preprocessor', 'train_cfg'},
        'fixmatch': {'data_preprocessor', 'train_cfg', 'model'},
    }[kind]
    # A fair comparison may need a longer run, with a schedule of that length.
    assert changed - ({'param_scheduler'} if kind == 'labeled-only' else set()) == expected
    assert theirs.data_preprocessor.facemix == (
        dict(ours.data_preprocessor.facemix, real_weight=0) if kind == 'mixup' else None)
    kept, left_out = ('semi', 'supervised') if kind == 'fixmatch' else ('supervised', 'semi')
    assert theirs.train_cfg[left_out] is None
    same = {**theirs.train_cfg[kept], 'epochs': 0} == {**ours.train_cfg[kept], 'epochs': 0}
    assert same and theirs.train_cfg[kept].epochs >= ours.train_cfg[kept].epochs


@pytest.mark.parametrize('name, labeled, total', [
    ('synthfer_5pct_vit-micro', 400, 8000), ('synthfer_5pct_resnet-nano', 400, 8000),
    ('ferplus_5pct_vit-micro', 1420, 28385),
    ('ferplus_10pct_vit-micro', 2839, 28385), ('ferplus_25pct_vit-micro', 7096, 28385)])
def test_labeled_only_baselines_take_as_many_labeled_steps(name, labeled, total):
    ours, theirs = load(f'ssfer/{name}.py'), load(f'baselines/{name}_labeled-only.py')
    epoch = labeled // ours.train_dataloader.batch_size
    stages = ours.train_cfg
    steps = stages.supervised.epochs * epoch
    steps += stages.semi.epochs * ((total - labeled) // stages.semi.unlabeled)
    assert abs(theirs.train_cfg.supervised.epochs * epoch - steps) < epoch, steps / epoch
    assert max(s.end for s in theirs.param_scheduler) == theirs.train_cfg.supervised.epochs
