"""Downloads from a server on this machine, which can be made to fail."""
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ssfer_mm import UserError
from ssfer_mm.files.download import fetch_weights, hash_in_name

CONTENT = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAME = f'model_{DIGEST[:8]}.pth'


class Handler(BaseHTTPRequestHandler):
    """Serves CONTENT under any name; ``server.behavior`` says how well."""

    def do_GET(self):
        start, behavior = 0, self.server.behavior
        asked = self.headers.get('Range')
        self.server.asked.append(asked)
        if asked and behavior != 'no ranges':
            start = int(asked.removeprefix('bytes=').removesuffix('-'))
            if start >= len(CONTENT):
                return self.send_error(416)
            self.send_response(206)
        else:
            self.send_response(200)
        body = CONTENT[start:]
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if behavior == 'drops' and len(self.server.asked) == 1:
            body = body[:1000]
        self.wfile.write(b'<html>' + body[6:] if behavior == 'other content' else body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.asked, server.behavior = [], 'good'
    server.url = f'http://127.0.0.1:{server.server_port}/folder/{NAME}?download=1'
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_downloaded_once_with_a_progress_bar(server, tmp_path, capfd):
    path = fetch_weights(server.url, tmp_path / 'new')
    assert path == tmp_path / 'new' / NAME and path.read_bytes() == CONTENT
    assert NAME in capfd.readouterr().err
    assert fetch_weights(server.url, tmp_path / 'new') == path
    assert len(server.asked) == 1 and [p.name for p in path.parent.iterdir()] == [NAME]


def test_by_default_it_lies_where_torch_hub_keeps_weights(server, tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    assert fetch_weights(server.url) == tmp_path / 'hub' / 'checkpoints' / NAME


def test_goes_on_after_a_lost_connection(server, tmp_path):
    server.behavior = 'drops'
    with pytest.raises(UserError, match='ended after 1000 of 1024000|1000 bytes read') as error:
        fetch_weights(server.url, tmp_path)
    assert str(tmp_path / NAME) in str(error.value), 'where to put it by hand'
    assert [p.name for p in tmp_path.iterdir()] == [NAME + '.partial'], 'no half file is believed'
    assert fetch_weights(server.url, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, 'bytes=1000-']


@pytest.mark.parametrize('behavior', ['good', 'no ranges'])
@pytest.mark.parametrize('before', [CONTENT[:777], b'another file', CONTENT, CONTENT + b'more'])
def test_whatever_lay_there_before(server, tmp_path, before, behavior):
    server.behavior = behavior
    (tmp_path / (NAME + '.partial')).write_bytes(before)
    assert fetch_weights(server.url, tmp_path).read_bytes() == CONTENT
    assert [p.name for p in tmp_path.iterdir()] == [NAME]


def test_a_file_with_another_hash_is_refused(server, tmp_path):
    server.behavior = 'other content'
    with pytest.raises(UserError, match=f'begins with [0-9a-f]{{8}}, expected {DIGEST[:8]}'):
        fetch_weights(server.url, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_copy_is_refused(server, tmp_path):
    (tmp_path / NAME).write_bytes(CONTENT[:-1])
    with pytest.raises(UserError, match='delete it and start again'):
        fetch_weights(server.url, tmp_path)


def test_offline_says_what_to_do(server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(UserError, match='without internet, fetch the file') as error:
        fetch_weights(server.url, tmp_path)
    assert server.url in str(error.value) and str(tmp_path / NAME) in str(error.value)
    assert '\n' not in str(error.value)


def test_processes_do_not_download_over_each_other(server, tmp_path):
    pytest.importorskip('fcntl')
    threads = [threading.Thread(target=fetch_weights, args=(server.url, tmp_path))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 1 and (tmp_path / NAME).read_bytes() == CONTENT


@pytest.mark.parametrize('name, digits', [
    ('yolo-x_8xb8-300e_coco-face_13274d7c.pth', '13274d7c'), ('resnet18-f37072fd.pth', 'f37072fd'),
    ('epoch_12.pth', None), ('model_20211121.pth', None),
    ('model_20211121_095711-4592a793.pth', '4592a793'), ('model-13274D7C.pth', None)])
def test_hash_in_name(name, digits):
    assert hash_in_name(name) == digits
