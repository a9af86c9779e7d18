"""Trainings that begin at once, because a process that has imported everything becomes them.

Importing torch and OpenMMLab takes a training seconds; a table of a hundred short ones spends a
good part of its time on that. A fork server is a process that imports once, trains nothing, and
forks for every training that it is asked for.
"""
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from typing import Dict, List, Optional, Sequence

from ssfer_mm.errors import UserError
from ssfer_mm.runtime.garbage import collector_rests

# How long the imports may take, and how often ended trainings are looked for.
PATIENCE, BEAT = 120, 0.2
MESSAGE = 1 << 20
READY = b'ready\n'


class ForkedTraining:
    """A training that a server has begun; a small part of ``subprocess.Popen``.

    Args:
        server: Which is told when it ends.
        pid: Its process, which leads a group of its own.
    """

    def __init__(self, server: 'ForkServer', pid: int) -> None:
        self.server, self.pid = server, pid
        self.returncode: Optional[int] = None

    def poll(self) -> Optional[int]:
        """Exit status, negative for a signal; None while it trains."""
        if self.returncode is None:
            self.returncode = self.server.status_of(self.pid)
        return self.returncode

    def wait(self, timeout: Optional[float] = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: As ``Popen.wait``.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if end is not None and time.monotonic() >= end:
                raise subprocess.TimeoutExpired('training', timeout)
            time.sleep(BEAT / 4)
        return self.returncode


class ForkServer:
    """The side of it that asks.

    Args:
        environment: Of the server and of all trainings.

    Raises:
        OSError: This system cannot do that, or a forked process cannot use the GPU; trainings
            that are started the usual way still can.
    """

    def __init__(self, environment: Dict[str, str]) -> None:
        if not sys.platform.startswith('linux'):  # elsewhere, forking after imports is not safe
            raise OSError('trainings are forked on Linux only')
        ours, theirs = socket.socketpair()
        with theirs:
            # With this, torch asks for GPUs in a way that leaves them usable after a fork.
            environment = {**environment, 'PYTORCH_NVML_BASED_CUDA_CHECK': '1'}
            self.process = subprocess.Popen(
                [sys.executable, '-m', __name__, str(theirs.fileno())], env=environment,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), ), start_new_session=True)
        self._socket, self._unread, self._ended = ours, b'', {}
        ours.settimeout(PATIENCE)
        try:
            ready = ours.recv(len(READY))
        except OSError:
            ready = b''
        if ready != READY:
            self.close()
            raise OSError('the server did not get ready')

    def train(self, arguments: Sequence[str], log: int, lock: Optional[int],
              gpu: Optional[str] = None) -> ForkedTraining:
        """Begin ``tools/train.py`` with these arguments.

        Args:
            arguments: Of the command line.
            log: Descriptor that it writes to.
            lock: Descriptor that it holds open while it lives.
            gpu: The only one that it sees, as CUDA_VISIBLE_DEVICES names it; None leaves that open.
        """
        handles = [log] if lock is None else [log, lock]
        socket.send_fds(self._socket, [json.dumps([list(arguments), gpu]).encode()], handles)
        try:
            return ForkedTraining(self, self._next('began')['began'])
        except KeyboardInterrupt:
            with contextlib.suppress(ProcessLookupError):  # nobody else would know of it
                os.kill(self._next('began')['began'], signal.SIGTERM)
            raise

    def status_of(self, pid: int) -> Optional[int]:
        """Exit status of a training; None while it lives."""
        # Two that ended at once are two lines of one message.
        while pid not in self._ended and (
                b'\n' in self._unread or select.select([self._socket], [], [], 0)[0]):
            self._note(self._line())
        return self._ended.get(pid)

    def close(self) -> None:
        """End the server; trainings go on."""
        self._socket.close()
        self.process.terminate()
        self.process.wait()

    def _next(self, key: str) -> dict:
        while key not in (news := self._line()):
            self._note(news)
        return news

    def _note(self, news: dict) -> None:
        self._ended[news['ended']] = news['status']

    def _line(self) -> dict:
        while b'\n' not in self._unread:
            more = self._socket.recv(MESSAGE)
            if not more:
                raise UserError('the process that starts trainings has died; the same command '
                                'goes on with what is missing')
            self._unread += more
        line, self._unread = self._unread.split(b'\n', 1)
        return json.loads(line)


# ---- the process itself ---------------------------------------------------------------------


def main(handle: int) -> None:
    """Import, then fork for every message until the other side closes."""
    with collector_rests():
        import ssfer_mm.apis.training.commands  # noqa: F401  what takes so long

    sock = socket.socket(fileno=handle)
    if not _gpu_works_after_a_fork():
        return
    sock.sendall(READY)
    children: List[int] = []
    while True:
        readable = select.select([sock], [], [], BEAT)[0]
        _report_ended(sock, children)
        if readable:
            message, handles, _, _ = socket.recv_fds(sock, MESSAGE, 2)
            if not message:
                return
            pid = os.fork()
            if pid == 0:
                sock.close()
                _become(*json.loads(message), handles)
            for one in handles:
                os.close(one)
            children.append(pid)
            sock.sendall(json.dumps(dict(began=pid)).encode() + b'\n')


def _report_ended(sock: socket.socket, children: List[int]) -> None:
    for pid in list(children):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            children.remove(pid)
            news = dict(ended=pid, status=os.waitstatus_to_exitcode(status))
            sock.sendall(json.dumps(news).encode() + b'\n')


def _gpu_works_after_a_fork() -> bool:
    """Try it in a process that nobody needs afterwards."""
    import torch

    if not torch.cuda.is_available():
        return True
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            torch.zeros(1, device='cuda')
            os._exit(0)
        os._exit(1)
    return os.waitpid(pid, 0)[1] == 0


def _become(arguments: List[str], gpu: Optional[str], handles: List[int]) -> None:
    """In the child: be the training, and never return."""
    status = 1
    try:
        os.setsid()
        if gpu is not None:  # torch looks when it first needs one, not when it is imported
            os.environ['CUDA_VISIBLE_DEVICES'] = gpu
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL if number != signal.SIGINT
                          else signal.default_int_handler)
        for stream in (1, 2):
            os.dup2(handles[0], stream)
        from ssfer_mm.apis.training.child_training import TRAIN
        from ssfer_mm.apis.training.commands import train_command

        sys.argv = [str(TRAIN), *arguments]  # what messages tell people to repeat
        status = train_command(arguments)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == '__main__':
    main(int(sys.argv[1]))
