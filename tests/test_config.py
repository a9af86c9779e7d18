"""A config file whose own names are misspelled."""
import pytest

from ssfer_mm.apis import train_main
from ssfer_mm.config import load_config
from ssfer_mm.errors import UserError
from support.shrink import REPO

BASE = f"_base_ = [{str(REPO / 'configs/ssfer/ferplus_5pct_vit-micro.py')!r}]\n"


@pytest.mark.parametrize('line, words', [
    ('train_dataloder = dict(batch_size=4)', "'train_dataloder'; closest: train_dataloader"),
    ('custom_hook = []', "'custom_hook'; closest: custom_hooks"),
    ('load_form = None', "'load_form'; closest: load_from"),
])
def test_misspelled_setting_is_no_variable(line, words, tmp_path, monkeypatch):
    """mmengine would keep it as a variable that nothing reads, and train with the base's."""
    monkeypatch.chdir(tmp_path)
    config = tmp_path / 'mine.py'
    config.write_text(BASE + line + '\n')
    with pytest.raises(UserError, match=words):
        train_main([str(config)])
    assert [path.name for path in tmp_path.iterdir()] == ['mine.py'], 'no work dir of it'


def test_variables_of_ones_own_are_kept(tmp_path):
    config = tmp_path / 'mine.py'
    config.write_text(BASE + "root = 'faces'\nnum_classes = 7\ntrain_dataset = None\n")
    assert load_config(config).root == 'faces'
