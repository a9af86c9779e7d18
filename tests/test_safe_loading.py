"""Checkpoints may not run code."""
import os
import pickle
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.model import BaseModel
from mmengine.runner import Runner, load_checkpoint

from ssfer_mm import safe_loading
from ssfer_mm.errors import UserError


class Affine(BaseModel):

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)

    def forward(self, x, mode):
        return dict(loss=self.layer(x).square().mean())


def make_runner(work_dir, epochs, resume=False):
    data = [dict(x=torch.tensor([i, 1.])) for i in range(4)]
    return Runner(
        model=Affine(), work_dir=str(work_dir), resume=resume,
        train_dataloader=dict(dataset=data, batch_size=2, collate_fn=dict(type='default_collate'),
                              sampler=dict(type='DefaultSampler', shuffle=True)),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='AdamW', lr=1e-3)),
        param_scheduler=[dict(type='LinearLR', start_factor=.1, end=1)],
        custom_hooks=[dict(type='EMAHook')],
        default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
        experiment_name=f'{work_dir.name}_{epochs}_{resume}', default_scope='mmengine',
        randomness=dict(seed=0), cfg=ConfigDict())


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    """A real one: optimizer, schedule, EMA and the log buffers that need more than plain types."""
    work_dir = tmp_path_factory.mktemp('run')
    make_runner(work_dir, epochs=1).train()
    return work_dir / 'epoch_1.pth'


class Stranger:
    """Unpickling one creates a file."""

    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.mkdir, (str(self.victim),)


def test_a_real_checkpoint_needs_the_extra_types(checkpoint):
    with pytest.raises(pickle.UnpicklingError):
        torch.load(checkpoint, weights_only=True)
    loaded = safe_loading.load_checkpoint_safely(checkpoint)
    losses, _ = loaded['message_hub']['log_scalars']['train/loss'].data
    assert losses.shape == (2,) and losses.dtype == np.float64
    assert {'optimizer', 'param_schedulers', 'ema_state_dict'} <= set(loaded)


def test_loading_registers_nothing_for_everybody_else(checkpoint):
    before = set(torch.serialization.get_safe_globals())
    safe_loading.load_checkpoint_safely(checkpoint)
    assert set(torch.serialization.get_safe_globals()) == before


def test_a_run_resumes_through_the_safe_loader(checkpoint, monkeypatch):
    asked = []
    original = torch.load

    def spy(*args, **kwargs):
        asked.append(kwargs.get('weights_only'))
        return original(*args, **kwargs)

    monkeypatch.setattr(torch, 'load', spy)
    safe_loading.enable_safe_loading()
    runner = make_runner(checkpoint.parent, epochs=2, resume=True)
    runner.train()
    assert runner.epoch == 2 and runner.iter == 4
    assert asked == [True]
    losses, _ = runner.message_hub.get_scalar('train/loss').data
    assert len(losses) == 4, 'the first epoch is remembered'


def test_checkpoints_travel_between_numpy_1_and_2(checkpoint, tmp_path):
    ours, other = b'numpy._core.multiarray', b'numpy.core.multiarray'
    if np.lib.NumpyVersion(np.__version__) < '2.0.0':
        ours, other = other, ours
    travelled = tmp_path / 'travelled.pth'
    with zipfile.ZipFile(checkpoint) as source, zipfile.ZipFile(travelled, 'w') as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith('data.pkl'):
                assert ours in content
                content = content.replace(ours, other)
            target.writestr(name, content)
    losses, _ = safe_loading.load_checkpoint_safely(travelled)['message_hub']['log_scalars'][
        'train/loss'].data
    assert len(losses) == 2


def test_code_in_a_checkpoint_never_runs(tmp_path):
    victim = tmp_path / 'victim'
    torch.save(dict(state_dict={}, extra=Stranger(victim)), tmp_path / 'bad.pth')
    safe_loading.enable_safe_loading()
    readers = (safe_loading.load_checkpoint_safely,
               lambda path: load_checkpoint(Affine(), str(path)))
    for load in readers:
        with pytest.raises(UserError, match=r'bad\.pth holds \w+\.mkdir, which could run code'):
            load(tmp_path / 'bad.pth')
    assert not victim.exists()


def test_getattr_is_limited_to_log_statistics(tmp_path):

    class Gadget:
        def __reduce__(self):
            return getattr, (np.ndarray, '__init__')

    torch.save(dict(a=Gadget()), tmp_path / 'bad.pth')
    with pytest.raises(UserError, match='builtins.getattr, which could run code'):
        safe_loading.load_checkpoint_safely(tmp_path / 'bad.pth')


@pytest.mark.parametrize('share', [0, .1, .9])
def test_a_damaged_checkpoint_is_named(checkpoint, tmp_path, share):
    content = checkpoint.read_bytes()
    path = tmp_path / 'cut.pth'
    path.write_bytes(content[:int(len(content) * share)])
    with pytest.raises(UserError, match=r'cut\.pth is damaged'):
        safe_loading.load_checkpoint_safely(path)


def test_other_bad_checkpoints(tmp_path):
    (tmp_path / 'text.pth').write_text('Not Found')
    torch.save([1, 2], tmp_path / 'list.pth')
    for name, words in {'text.pth': 'damaged or no checkpoint', 'list.pth': 'holds a list',
                        'absent.pth': 'not found', '': 'is a folder: name'}.items():
        with pytest.raises(UserError, match=words):
            safe_loading.load_checkpoint_safely(tmp_path / name)


class Site(BaseHTTPRequestHandler):
    """Serves ``server.content``; the first answer breaks off where ``server.drops``."""

    def do_GET(self):
        first, body = not self.server.asked, self.server.content
        self.server.asked.append(self.path)
        start = int((self.headers.get('Range') or 'bytes=0-')[6:-1])
        self.send_response(206 if start else 200)
        self.send_header('Content-Length', str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[:100] if first and self.server.drops else body[start:])

    def log_message(self, *args):
        pass


@pytest.fixture()
def site(tmp_path, monkeypatch):
    """A server of a checkpoint, and mmengine that reads from it."""
    torch.save(dict(state_dict=Affine().state_dict()), tmp_path / 'source.pth')
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    safe_loading.enable_safe_loading()
    server = ThreadingHTTPServer(('127.0.0.1', 0), Site)
    server.asked, server.drops = [], False
    server.content = (tmp_path / 'source.pth').read_bytes()
    server.url = f'http://127.0.0.1:{server.server_port}/a/model.pth?x=1'
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_downloaded_checkpoints_are_loaded_safely_and_once(site):
    for _ in range(2):
        loaded = load_checkpoint(Affine(), site.url)
    assert set(loaded['state_dict']) == {'layer.weight', 'layer.bias'}
    assert site.asked == ['/a/model.pth?x=1']


def test_a_download_that_breaks_off_is_no_checkpoint_and_goes_on_next_time(site, tmp_path):
    site.drops = True
    with pytest.raises(UserError, match='cannot download .* put it at .*model.pth'):
        load_checkpoint(Affine(), site.url)
    assert not (tmp_path / 'hub/checkpoints/model.pth').exists()
    assert set(load_checkpoint(Affine(), site.url)['state_dict']) == {'layer.weight', 'layer.bias'}


def test_a_download_with_another_hash_than_its_name_says_is_refused(site):
    with pytest.raises(UserError, match='is not the file that its name promises'):
        load_checkpoint(Affine(), site.url.replace('model.pth', 'model-01234567.pth'))


def test_the_second_machine_of_a_training_downloads_for_itself(site, monkeypatch):
    """mmengine's main process is the first of all machines, and waits for the others there."""
    monkeypatch.setattr('mmengine.dist.is_main_process', lambda *_: False)
    assert 'state_dict' in load_checkpoint(Affine(), site.url)


# ---------------------------------------------------------------------------------- mmcv stand-in
