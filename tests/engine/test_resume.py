"""A resumed run ends exactly as the run that was never interrupted, wherever it is resumed."""
import json
from pathlib import Path

import pytest
import torch

from ssfer_mm import UserError
from support.runs import config, train

EVERY_ITERATION = dict(type='CheckpointHook', by_epoch=False, interval=1)
EXACT = dict(type='ExactResumeHook')


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    return train(config(tmp_path_factory.mktemp('whole'), hooks=[EVERY_ITERATION, EXACT]))


def resume(tmp_path, checkpoint, **options):
    return train(config(tmp_path, resume=True, load_from=str(checkpoint), **options))


def assert_same_end(run, whole, done):
    """From iteration ``done`` on: same batches, rates, betas; and the same weights at the end."""
    assert run.recorder.iterations == whole.recorder.iterations[done:]
    assert (run.iter, run.epoch) == (whole.iter, whole.epoch)
    for name, value in whole.model.state_dict().items():
        assert torch.equal(run.model.state_dict()[name], value), name


@pytest.mark.parametrize('checkpoint, done', [
    ('epoch_1', 3),  # stage II, between two epochs
    ('iter_5', 5),  # stage II, inside an epoch
    ('epoch_2', 6),  # the switch
    ('iter_6', 6),  # the switch, before the epoch's hooks ran
    ('iter_7', 7),  # just after it
    ('epoch_3', 12),  # stage III, between two epochs
    ('iter_15', 15),  # stage III, inside an epoch
    ('epoch_4', 18),  # only the last validation is left
])
def test_resumed_anywhere(tmp_path, whole, checkpoint, done):
    run = resume(tmp_path, Path(whole.work_dir, f'{checkpoint}.pth'))
    assert_same_end(run, whole, done)
    ours, theirs = (json.loads(Path(r.work_dir, 'stages.json').read_text()) for r in (run, whole))
    for stage in theirs:
        for figure in ('epochs', 'iterations', 'metrics'):
            assert ours[stage][figure] == theirs[stage][figure], (stage, figure)


def test_the_seconds_of_an_epoch_that_was_stopped_count(tmp_path, whole):
    content = torch.load(Path(whole.work_dir, 'iter_8.pth'), weights_only=False)
    assert 0 < content['clock_of_epoch']['seconds'] < 100
    between = torch.load(Path(whole.work_dir, 'epoch_3.pth'), weights_only=False)
    assert between['clock_of_epoch']['seconds'] == 0
    content['clock_of_epoch']['seconds'] = 1000.
    torch.save(content, tmp_path / 'iter_8.pth')
    run = resume(tmp_path, tmp_path / 'iter_8.pth')
    ours, theirs = (json.loads(Path(r.work_dir, 'stages.json').read_text()) for r in (run, whole))
    assert 1000 < ours['semi']['seconds'] < 1100, 'once, and with those of the next epoch'
    assert ours['supervised']['seconds'] == theirs['supervised']['seconds']


@pytest.mark.parametrize('keep', ['semi', 'supervised'])
def test_the_only_stage_has_its_own_optimizer_and_schedule(tmp_path, keep):
    """Stage III alone (FixMatch), or stage II with settings of its own."""
    own = dict(epochs=2, optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9)),
               param_scheduler=[dict(type='ExponentialLR', gamma=0.5, by_epoch=False)])
    if keep == 'semi':
        own.update(labeled=2, unlabeled=4)

    def only(folder, **options):
        cfg = config(tmp_path / folder, **options)
        cfg.train_cfg.semi = cfg.train_cfg.supervised = None
        cfg.train_cfg[keep] = own
        return cfg

    whole = train(only('whole'))
    lrs = [i['lr'] for i in whole.recorder.iterations]
    assert lrs == pytest.approx([0.1 * 0.5**k for k in range(len(lrs))])
    run = train(only('rest', resume=True, load_from=str(tmp_path / 'whole' / 'epoch_1.pth')))
    assert isinstance(run.optim_wrapper.optimizer, torch.optim.SGD)
    assert_same_end(run, whole, len(lrs) // 2)


def test_another_split_is_refused(tmp_path, whole):
    cfg = config(whole.work_dir, resume=True, load_from=str(Path(whole.work_dir, 'epoch_1.pth')))
    cfg.train_dataloader.dataset.split.seed = 1
    with pytest.raises(UserError, match='epoch_1.pth was trained on other labeled images'):
        train(cfg)


def test_another_split_is_refused_in_another_folder_too(tmp_path, whole):
    cfg = config(tmp_path, resume=True, load_from=str(Path(whole.work_dir, 'epoch_1.pth')))
    cfg.train_dataloader.dataset.split.seed = 1
    with pytest.raises(UserError, match='the config now draws another split'):
        train(cfg)


@pytest.mark.parametrize('checkpoint, epochs, here', [
    ('epoch_4', 6, 18), ('epoch_3', 6, 18), ('epoch_2', 1, 3), ('iter_5', 1, 3)])
def test_a_stage_that_is_done_keeps_its_epochs(tmp_path, whole, checkpoint, epochs, here):
    cfg = config(tmp_path, resume=True, load_from=str(Path(whole.work_dir, f'{checkpoint}.pth')),
                 hooks=[EXACT])
    cfg.train_cfg.supervised.epochs = epochs
    with pytest.raises(UserError, match=f'ended with iteration 6, here it would end with {here}'):
        train(cfg)


@pytest.mark.parametrize('checkpoint, key, epochs', [
    ('epoch_1', 'supervised', 3), ('epoch_2', 'supervised', 3), ('iter_7', 'semi', 1),
    ('epoch_4', 'semi', 3),
    ('epoch_3', 'semi', 1), ('epoch_1', 'supervised', 1)])  # to what is done
def test_what_is_left_of_a_stage_may_become_longer_or_shorter(tmp_path, whole, checkpoint, key,
                                                              epochs):
    cfg = config(tmp_path, resume=True, load_from=str(Path(whole.work_dir, f'{checkpoint}.pth')),
                 hooks=[EXACT])
    cfg.train_cfg[key].epochs = epochs
    run = train(cfg)
    stages = cfg.train_cfg.supervised, cfg.train_cfg.semi
    assert run.epoch == run.max_epochs == sum(stage.epochs for stage in stages)
    assert key == 'semi' or run.recorder.starts['semi']['twins']
    reached = json.loads((tmp_path / 'stages.json').read_text())
    for stage, end in (('supervised', stages[0].epochs), ('semi', run.max_epochs)):
        if stage in (key, 'semi'):  # those that end in this run
            exported = torch.load(tmp_path / f'classifier_{stage}.pth', weights_only=False)
            assert exported['meta']['epoch'] == end and 'accuracy' in reached[stage]['metrics']


def test_a_stage_that_is_shortened_to_what_is_done_exports_its_own_teacher(tmp_path, whole):
    checkpoint = Path(whole.work_dir, 'epoch_1.pth')
    cfg = config(tmp_path, resume=True, load_from=str(checkpoint), hooks=[EXACT])
    cfg.train_cfg.supervised.epochs = 1
    train(cfg)
    saved = torch.load(checkpoint, weights_only=False)['state_dict']
    exported = torch.load(tmp_path / 'classifier_supervised.pth', weights_only=False)['state_dict']
    assert exported and all(torch.equal(saved[f'teacher.{name}'], value)
                            for name, value in exported.items())


@pytest.mark.parametrize('semi, keep', [
    (1, 'would end with 12: keep train_cfg.semi.epochs at 2 or more'),
    (None, 'would end with 6: keep the stage that it is in')])
def test_a_run_that_would_end_before_what_is_done_is_refused(tmp_path, whole, semi, keep):
    cfg = config(tmp_path, resume=True, load_from=str(Path(whole.work_dir, 'iter_15.pth')),
                 hooks=[EXACT])
    cfg.train_cfg.semi = semi and dict(cfg.train_cfg.semi, epochs=semi)
    with pytest.raises(UserError, match=f'has done 15 iterations, and this one {keep}'):
        train(cfg)


def test_the_groups_of_weights_are_those_of_the_stage_that_was_saved(tmp_path):
    """Stage II has them merged, stage III one for each weight."""

    def grouped(folder, checkpoint=None):
        resumed = dict(resume=True, load_from=str(checkpoint)) if checkpoint else {}
        cfg = config(tmp_path / folder, **resumed)
        cfg.default_hooks.update(checkpoint=EVERY_ITERATION, exact_resume=EXACT)
        for stage in (cfg, cfg.train_cfg.semi):
            stage.optim_wrapper.paramwise_cfg = dict(bias_lr_mult=2.)
        cfg.optim_wrapper.constructor = 'MergedGroupsConstructor'
        return cfg

    whole = train(grouped('whole'))
    for done in (4, 8):
        saved = tmp_path / 'whole' / f'iter_{done}.pth'
        assert_same_end(train(grouped(f'from {done}', saved)), whole, done)
    cfg = grouped('merged', saved)
    cfg.train_cfg.semi.optim_wrapper.constructor = 'MergedGroupsConstructor'
    keep = r'train_cfg\.semi\.optim_wrapper\.constructor=DefaultOptimWrapperConstructor'
    with pytest.raises(UserError, match=f'groups, this run in 2: keep .* {keep}'):
        train(cfg)


def test_another_network_of_the_same_names_is_refused(tmp_path, whole):
    cfg = config(tmp_path, resume=True, load_from=str(Path(whole.work_dir, 'epoch_2.pth')))
    cfg.model.classifier.backbone.arch.feedforward_channels *= 2
    with pytest.raises(UserError, match='weights .* or have another shape; the first is .*ffn'):
        train(cfg)
    cfg.model.classifier.backbone.arch.feedforward_channels //= 2
    cfg.model.classifier.backbone.arch.num_layers -= 1
    with pytest.raises(UserError, match='weights .* are not those of this model'):
        train(cfg)


def test_load_from_of_a_file_without_weights_of_this_model_is_refused(tmp_path, whole):
    saved = torch.load(Path(whole.work_dir, 'epoch_1.pth'), weights_only=False)['state_dict']
    student = {name[8:]: value for name, value in saved.items() if name.startswith('student.')}
    torch.save(dict(state_dict=student), tmp_path / 'classifier.pth')
    with pytest.raises(UserError, match='holds no weights of this model .* model.pretrained=FILE'):
        train(config(tmp_path / 'run', hooks=[EXACT], load_from=str(tmp_path / 'classifier.pth')))
    torch.save(dict(state_dict={f'module.{name}': value for name, value in saved.items()}),
               tmp_path / 'whole.pth')
    cfg = config(tmp_path / 'run', hooks=[EXACT], load_from=str(tmp_path / 'whole.pth'))
    cfg.train_cfg.supervised.epochs, cfg.train_cfg.semi = 1, None
    train(cfg)


def test_a_run_resumed_at_the_switch_makes_the_switch(tmp_path, whole):
    """At the switch the checkpoint still holds stage II's optimizer; stage III must not use it."""
    run = resume(tmp_path, Path(whole.work_dir, 'epoch_2.pth'))
    start = run.recorder.starts['semi']
    assert start['optimizer_state'] == 0 and start['twins']
    assert start['figures'] == [], 'figures of stage II came back with the checkpoint'

