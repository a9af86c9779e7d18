"""What every test runs under."""
import logging
import signal
import warnings

import numpy as np
import pytest
import torch
from hypothesis import settings
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope

import ssfer_mm  # noqa: F401  registers all components
from support import artifacts

torch.set_num_threads(1)
# Autograd counts the devices once. After an ONNX export it would find one with threads, and no
# process forked from this one could go backwards any more.
torch.ones(1, requires_grad=True).sum().backward()
# The same examples in each run: a change fails for what it changed, not by chance. New ones:
# pytest --hypothesis-profile=default
settings.register_profile('repeatable', derandomize=True)
settings.load_profile('repeatable')
warnings.filterwarnings('ignore')
# A shell that starts the tests in the background has them ignore Ctrl-C, which some of them press.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter):
    """Say where the pictures are that tests made for people."""
    for path in artifacts.listing():
        terminalreporter.write_line(f'to look at: {path}')


@pytest.fixture()
def hang_ups_arrive():
    """For tests of closed terminals: under nohup SIGHUP is ignored, here and in new processes."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(autouse=True)
def mmpretrain_scope():
    """Names in configs are mmpretrain's, as they are under a runner."""
    with DefaultScope.overwrite_default_scope('mmpretrain'):
        yield


@pytest.fixture(autouse=True)
def quiet_and_seeded():
    """The same random numbers in any order of tests; every initialized layer is not news."""
    torch.manual_seed(0)
    np.random.seed(0)
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(level)
