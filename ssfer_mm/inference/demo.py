"""``ssfer demo``: a page in the browser of this machine."""
import argparse
import contextlib
import errno
import importlib.metadata
import os
import socket
import tempfile
import time
from typing import Iterator, Optional

from ssfer_mm.command_line.packages import GRADIO
from ssfer_mm.errors import UserError

from .predict import make_inferencer

FIRST_PORT, PORTS = 7860, 100


def demo(args: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C.

    Returns:
        Exit status 0.

    Raises:
        UserError: Gradio is missing, no port can be had, or the model cannot be used.
    """
    check_gradio()
    free_port(args.host, args.port)  # fails in a moment, the model only after seconds
    inferencer = make_inferencer(args)
    with private_gradio(args.host) as folder:
        from .demo_page import build_page, launch

        page = build_page(inferencer, folder)
        port = free_port(args.host, args.port)
        launch(page, args.host, port, browser=not args.no_browser)
        shown = 'localhost' if args.host in ('127.0.0.1', '0.0.0.0') else args.host
        print(f'The page is at http://{shown}:{port} (Ctrl-C ends it)', flush=True)
        if args.host not in ('127.0.0.1', 'localhost'):
            print(f'--host {args.host}: whoever can reach this machine can use the page; browsers '
                  'let pages use the camera only on localhost', flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            wait()
        page.close(verbose=False)
    print('\nStopped; copies of the pictures are deleted.')
    return 0


def check_gradio() -> None:
    """Raise a UserError unless the right Gradio is installed."""
    try:
        version = importlib.metadata.version('gradio')
    except importlib.metadata.PackageNotFoundError:
        raise UserError('the demo needs gradio, which is not installed; run: pip install '
                        f'"{GRADIO}"') from None
    if version.partition('.')[0] != '6':
        raise UserError(f'the demo needs gradio 6, but {version} is installed; run: pip install '
                        f'"{GRADIO}"')


def free_port(host: str, wanted: Optional[int]) -> int:
    """A port that can be listened on.

    Args:
        host: Address of this machine.
        wanted: Port, or None for the first free one from `FIRST_PORT` on.

    Raises:
        UserError: It is taken, or cannot be had at all.
    """
    if wanted is not None and not 1 <= wanted <= 65535:
        raise UserError(f'--port {wanted}: give a number from 1 to 65535')
    for port in [wanted] if wanted is not None else range(FIRST_PORT, FIRST_PORT + PORTS):
        try:
            with socket.socket() as trial:
                # Else a port counts as taken for a minute after its program has ended. On Windows
                # it does not, and the option gives out ports on which others still listen.
                if os.name == 'posix':
                    trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind((host, port))
            return port
        except PermissionError:  # on Windows, of whole ranges that the system keeps, too
            if port < 1024:
                raise UserError(f'--port {port} is reserved for the system: take one from 1024 on'
                                ) from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise UserError(f'--host {host} is not an address of this machine; leave it out, '
                                'or use 0.0.0.0 for all of its addresses') from error
    if wanted is None:
        raise UserError(f'the ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are all taken; choose '
                        'another with --port')
    raise UserError(f'--port {wanted} is taken by another program or the system; leave it out, or '
                    f'use --port {free_port(host, None)}, which is free')


@contextlib.contextmanager
def private_gradio(host: str) -> Iterator[str]:
    """Have Gradio report nothing to anyone, and keep its copies where they can be deleted.

    Args:
        host: Address that the page will have.

    Yields:
        A folder, which exists until the end of the block.
    """
    with tempfile.TemporaryDirectory(prefix='ssfer-demo-') as folder:
        # Gradio asks its own page whether it works; a proxy could not reach it.
        places = os.environ.get('NO_PROXY'), '127.0.0.1', 'localhost', host
        direct = ','.join(dict.fromkeys(filter(None, places)))
        os.environ.update(GRADIO_ANALYTICS_ENABLED='False', GRADIO_TEMP_DIR=folder,
                          HF_HUB_DISABLE_TELEMETRY='1', HF_HUB_OFFLINE='1', NO_PROXY=direct,
                          no_proxy=direct)
        yield folder


def wait() -> None:
    """Return never; Ctrl-C raises KeyboardInterrupt."""
    while True:  # on Windows Ctrl-C ends a sleep, but not the wait for an event
        time.sleep(1)
