"""Versions, and the noise of third-party imports."""
import logging
import warnings

import mmengine.logging
import pytest
import torch

from ssfer_mm import compat
from ssfer_mm.errors import UserError

TORCH = {'torch': '2.15.0', 'torchvision': '0.29.2'}
ONEDL = {'onedl-mmengine': '0.10.12', 'onedl-mmcv': '2.3.6', 'onedl-mmpretrain': '1.3.6', **TORCH}
UPSTREAM = {'mmengine': '0.10.7', 'mmcv-lite': '2.1.0', 'mmpretrain': '1.2.0', **TORCH}


# ---------------------------------------------------------------------------------- environment


@pytest.mark.parametrize('found', [
    ONEDL,
    UPSTREAM,
    {**ONEDL, 'onedl-mmdetection': '3.5.1'},
    {**UPSTREAM, 'mmdet': '3.3.0'},
    {**ONEDL, 'torch': '2.8.0+cu128'},  # local builds count as the version they are of
], ids=['onedl', 'upstream', 'onedl with mmdet', 'upstream with mmdet', 'cuda build'])
def test_one_whole_family_is_fine(found):
    assert compat.find_problem(found) is None


@pytest.mark.parametrize('found, words', [
    ({}, ['onedl-mmengine', 'torchvision', '[onedl]"']),
    ({k: v for k, v in ONEDL.items() if k != 'onedl-mmcv'}, ['onedl-mmcv', '[onedl]"']),
    ({k: v for k, v in UPSTREAM.items() if k != 'mmpretrain'}, ['mmpretrain', '[openmmlab]"']),
    ({k: v for k, v in ONEDL.items() if k != 'torchvision'}, ['torchvision', '[onedl]"']),
    ({**ONEDL, 'mmcv': '2.1.0'},
     ['uninstall -y onedl-mmengine onedl-mmcv onedl-mmpretrain mmcv && pip', '[onedl]"']),
    ({**ONEDL, 'mmdet': '3.3.0'}, ['mmdet 3.3.0', 'pip uninstall -y']),
    ({**UPSTREAM, 'mmcv-lite': '2.2.0'}, ['mmcv-lite 2.2.0', '>=2.1.0,<2.2', '[openmmlab]"']),
    ({**ONEDL, 'torch': '2.5.1'}, ['torch 2.5.1', '>=2.6']),
    ({**ONEDL, 'onedl-mmdetection': '3.4.0'}, ['onedl-mmdetection 3.4.0']),
])
def test_problem_names_what_is_wrong_and_the_command(found, words):
    problem = compat.find_problem(found)
    assert all(word in problem for word in words), problem
    assert 'pip install' in problem and '\n' not in problem


def test_check_raises_an_import_error_that_is_a_user_error(monkeypatch):
    monkeypatch.setattr(compat, 'installed_versions', dict)
    with pytest.raises(ImportError, match='pip install') as caught:
        compat.check_environment()
    assert isinstance(caught.value, UserError)


def test_versions_come_from_what_is_installed():
    assert compat.installed_versions()['torch'] == torch.__version__.split('+')[0] or \
        compat.installed_versions()['torch'] == torch.__version__


# ---------------------------------------------------------------------------------- quiet imports


class Records(logging.Handler):

    def __init__(self):
        super().__init__()
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def test_quiet_imports_drop_only_the_known_messages(capsys):
    logger = mmengine.logging.MMLogger.get_current_instance()
    logged = Records()
    logger.addHandler(logged)
    with compat.quiet_imports(), warnings.catch_warnings(record=True) as seen:
        for text in compat.HARMLESS_MESSAGES + ('something else',):
            mmengine.logging.print_log(f'{text} (printed)', level=logging.DEBUG)
            logger.warning(f'{text} (logged)')
            warnings.warn(f'{text} (warned)', stacklevel=1)
    logger.removeHandler(logged)
    assert capsys.readouterr().out.splitlines() == ['something else (printed)']
    assert logged.texts == ['something else (logged)']
    assert [str(w.message) for w in seen] == ['something else (warned)']


def test_quiet_imports_leave_nothing_behind(capsys):
    before = mmengine.logging.print_log
    with pytest.raises(ZeroDivisionError), compat.quiet_imports():
        1 / 0  # noqa: B018
    assert mmengine.logging.print_log is before
    before(compat.HARMLESS_MESSAGES[0])
    assert compat.HARMLESS_MESSAGES[0] in capsys.readouterr().out
