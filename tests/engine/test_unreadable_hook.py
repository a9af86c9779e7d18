"""What workers could not read reaches the log and a file, once per name."""
import logging
from types import SimpleNamespace

import pytest
from mmpretrain.structures import DataSample

from ssfer_mm.engine import UnreadableHook
from ssfer_mm.images.name import ImageName, note_unreadable


@pytest.fixture(params=[DataSample, lambda: ImageName('a.png')], ids=['samples', 'names'])
def batch(request):
    """What ``PackFace`` and what ``PackImage`` make of items."""

    def made(*unreadable):
        samples = [request.param() for _ in unreadable]
        for sample, names in zip(samples, unreadable):
            if names:
                note_unreadable(sample, names)
        return dict(data_samples=samples)

    return made


def test_counts_names_and_resume(tmp_path, caplog, batch):
    logger = logging.getLogger('unreadable-test')
    runner = SimpleNamespace(work_dir=str(tmp_path), rank=0, logger=logger, _resume=False)
    hook = UnreadableHook()
    hook.before_train(runner)
    with caplog.at_level(logging.WARNING, 'unreadable-test'):
        hook.after_train_iter(runner, 0, batch((), (), ()))
        hook.after_train_epoch(runner)
        assert not caplog.records and not list(tmp_path.iterdir()), 'nothing to say'
        hook.after_train_iter(runner, 0, batch((), ('b', 'c'), ('b',)))
        hook.after_train_epoch(runner)
    assert '2 of 3 images read in this epoch were unreadable (66.667%), 2 for' in caplog.text
    again = UnreadableHook()
    again.before_train(SimpleNamespace(**{**vars(runner), '_resume': True}))
    again.after_train_iter(runner, 0, batch(('c', 'a')))
    again.after_train_epoch(runner)
    assert (tmp_path / 'unreadable_images.txt').read_text() == 'b\nc\na\n'


def test_what_was_met_before_a_stop_inside_an_epoch_counts(tmp_path, caplog, batch):
    logger = logging.getLogger('unreadable-test')
    runner = SimpleNamespace(work_dir=str(tmp_path), rank=0, logger=logger, _resume=True)
    hook, again, checkpoint = UnreadableHook(), UnreadableHook(), {}
    hook.before_save_checkpoint(runner, checkpoint)
    assert not checkpoint, 'nothing to say'
    hook.after_train_iter(runner, 0, batch(('b', ), ()))
    hook.before_save_checkpoint(runner, checkpoint)
    again.after_load_checkpoint(runner, checkpoint)
    again.before_train(runner)
    again.after_train_iter(runner, 0, batch(('c', ), ()))
    with caplog.at_level(logging.WARNING, 'unreadable-test'):
        again.after_train_epoch(runner)
    assert '2 of 4 images read in this epoch were unreadable' in caplog.text
    assert (tmp_path / 'unreadable_images.txt').read_text() == 'b\nc\n'


def test_batches_of_two_sources_and_names_of_two_lines(tmp_path, caplog, batch):
    logger = logging.getLogger('unreadable-test')
    runner = SimpleNamespace(work_dir=str(tmp_path), rank=0, logger=logger, _resume=False)
    hook = UnreadableHook()
    hook.before_train(runner)
    sources = dict(labeled=batch((), ())['data_samples'],
                   unlabeled=batch((), ('a\nb', 'caf\udce9'))['data_samples'])
    hook.after_train_iter(runner, 0, dict(data_samples=sources))
    with caplog.at_level(logging.WARNING, 'unreadable-test'):
        hook.after_train_epoch(runner)
    assert '1 of 2 images read' in caplog.text, 'labeled ones are never replaced'
    assert (tmp_path / 'unreadable_images.txt').read_text() == 'a\\nb\ncaf\\udce9\n'
