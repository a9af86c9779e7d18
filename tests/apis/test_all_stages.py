"""Ctrl-C during one of the trainings of ``tools/run_ssfer.py``."""
import pytest

from ssfer_mm.apis import all_stages

TRAINING = '''
import time
print('now - INFO - Epoch(train) [1]', flush=True)
time.sleep(0.3)
print('now - INFO - Saving checkpoint iter_1.pth')
'''


def test_the_training_may_save_and_its_last_words_are_kept(tmp_path, monkeypatch):
    def interrupt(*args, **options):
        monkeypatch.setattr(all_stages, 'print', print, raising=False)
        raise KeyboardInterrupt

    program = tmp_path / 'train.py'
    program.write_text(TRAINING)
    monkeypatch.setattr(all_stages, 'TRAIN', program)
    monkeypatch.setattr(all_stages, 'print', interrupt, raising=False)
    with pytest.raises(KeyboardInterrupt):
        all_stages._train('config.py', tmp_path / 'run', [], {}, title='Stage I')
    assert 'iter_1.pth' in (tmp_path / 'run' / 'train.log').read_text()
