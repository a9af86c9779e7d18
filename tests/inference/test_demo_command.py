"""``ssfer demo`` before it serves anything: every mistake is one line, and comes at once."""
import errno
import importlib.metadata
import os
import socket
from types import SimpleNamespace

import pytest

import ssfer_cli
from ssfer_mm.errors import UserError
from ssfer_mm.inference import demo
from ssfer_mm.inference.demo import GRADIO, free_port, private_gradio


@pytest.fixture
def taken():
    """A port of this machine that something listens on."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def gradio(monkeypatch):
    """Sets the version of Gradio that seems to be installed; None: none."""
    def pretend(version):
        def found(name):
            if version is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return version
        monkeypatch.setattr(demo.importlib.metadata, 'version', found)
    return pretend


def mistake(capsys, *arguments):
    assert ssfer_cli.main(['demo', '--no-browser', *map(str, arguments)]) == 2
    error, = capsys.readouterr().err.strip().splitlines()
    return error


@pytest.mark.parametrize('version, words', [(None, 'not installed'), ('5.9.1', '5.9.1')])
def test_without_the_right_gradio(gradio, capsys, version, words):
    gradio(version)
    error = mistake(capsys)
    assert words in error and error.endswith(f'run: pip install "{GRADIO}"')


def test_a_port_that_is_taken(gradio, taken, capsys, monkeypatch):
    gradio('6.1.0')
    error = mistake(capsys, '--port', taken)
    assert f'--port {taken} is taken' in error and 'which is free' in error
    monkeypatch.setattr(demo, 'FIRST_PORT', taken)
    assert taken < free_port('127.0.0.1', None) < taken + demo.PORTS
    monkeypatch.setattr(demo, 'PORTS', 1)
    with pytest.raises(UserError, match='all taken'):
        free_port('127.0.0.1', None)


@pytest.fixture
def windows(monkeypatch):
    """A Windows that keeps the ports up to 8000 for itself; whoever asks gets even taken ones."""
    class Socket(socket.socket):
        def setsockopt(self, *option):
            raise AssertionError('would share the port of another program')

        def bind(self, address):
            if address[1] <= 8000:
                raise PermissionError(errno.EACCES, 'forbidden by its access permissions')

    monkeypatch.setattr(demo.socket, 'socket', Socket)
    monkeypatch.setattr(demo, 'os', SimpleNamespace(name='nt'))


def test_ports_that_windows_keeps_for_itself(windows, monkeypatch):
    monkeypatch.setattr(demo, 'FIRST_PORT', 7990)
    assert free_port('127.0.0.1', None) == 8001
    with pytest.raises(UserError, match='--port 7995 is taken .* or the system.* --port 8001,'):
        free_port('127.0.0.1', 7995)
    with pytest.raises(UserError, match='--port 80 is reserved .* from 1024 on'):
        free_port('127.0.0.1', 80)


def test_addresses_that_cannot_be_had(gradio, capsys):
    gradio('6.1.0')
    assert '1 to 65535' in mistake(capsys, '--port', 70000)
    for host in ('203.0.113.7', 'no.such.host.invalid'):
        assert f'--host {host} is not an address' in mistake(capsys, '--host', host)


def test_unknown_model_names_the_closest(gradio, capsys, tmp_path, monkeypatch):
    gradio('6.1.0')
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'work_dirs/rafdb').mkdir(parents=True)
    (tmp_path / 'work_dirs/rafdb/classifier.safetensors').write_bytes(b'')
    error = mistake(capsys, '--model', 'rafdv')
    assert "no model is called 'rafdv'" in error and 'closest: rafdb' in error


@pytest.mark.parametrize('host, direct', [
    ('127.0.0.1', 'intra.net,127.0.0.1,localhost'),
    ('192.0.2.7', 'intra.net,127.0.0.1,localhost,192.0.2.7')])
def test_gradio_asks_no_one_and_keeps_nothing(monkeypatch, host, direct):
    monkeypatch.setattr(os, 'environ', dict(NO_PROXY='intra.net', no_proxy='other'))
    with private_gradio(host) as folder:
        assert os.path.isdir(folder)
        assert os.environ == dict(
            NO_PROXY=direct, no_proxy=direct, GRADIO_ANALYTICS_ENABLED='False',
            GRADIO_TEMP_DIR=folder, HF_HUB_DISABLE_TELEMETRY='1', HF_HUB_OFFLINE='1')
    assert not os.path.exists(folder)


def test_ctrl_c_ends_a_sleep(monkeypatch):
    """On Windows it would not end a wait without an end."""
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(demo.time, 'sleep', sleep)
    with pytest.raises(KeyboardInterrupt):
        demo.wait()
    assert slept == [1, 1, 1]
