"""What workers could not read reaches the log and a file, once per name."""
import logging
from types import SimpleNamespace

from mmpretrain.structures import DataSample

from ssfer_mm.engine import UnreadableHook


def batch(*unreadable):
    samples = []
    for names in unreadable:
        sample = DataSample()
        if names:
            sample.set_field(tuple(names), 'unreadable', field_type='metainfo')
        samples.append(sample)
    return dict(data_samples=samples)


def test_counts_names_and_resume(tmp_path, caplog):
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
    assert '3 of 6 images read in this epoch were unreadable (50.000%), 2 of them' in caplog.text
    again = UnreadableHook()
    again.before_train(SimpleNamespace(**{**vars(runner), '_resume': True}))
    again.after_train_iter(runner, 0, batch(('c', 'a')))
    again.after_train_epoch(runner)
    assert (tmp_path / 'unreadable_images.txt').read_text() == 'b\nc\na\n'
