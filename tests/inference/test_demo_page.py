"""Parts of the page that the browser of test_demo_in_browser does not reach."""
import asyncio
import importlib.util
from types import SimpleNamespace

import pytest

from ssfer_mm.command_line.packages import GRADIO
from ssfer_mm.inference.demo_view import Seen
from ssfer_mm.inference.results import FaceResult

if importlib.util.find_spec('gradio') is None:
    pytest.skip(f'needs gradio: pip install "{GRADIO}"', allow_module_level=True)
from ssfer_mm.inference.demo_page import KeepAtHome, one_face  # noqa: E402


def test_an_exported_model_has_bars_but_no_map():
    exported, probabilities = SimpleNamespace(explains=False), dict(joy=0.75, fear=0.25)
    seen = Seen('', faces=(FaceResult((0, 0, 9, 9), 1., probabilities), ))
    bars, picture, caption = one_face(exported, seen, 0)
    assert bars == probabilities and picture is None and 'no gradients' in caption
    for number in (1, -1):  # a face of the picture before
        assert one_face(exported, seen, number) == (None, None, '')


def test_the_browser_is_told_to_ask_nobody_else():
    sent = []

    async def page(scope, receive, send):
        await send({'type': 'http.response.start', 'headers': [(b'a', b'b')]})
        await send({'type': 'http.response.body'})

    async def send(message):
        sent.append(message)

    asyncio.run(KeepAtHome(page)({}, None, send))
    start, body = sent
    assert start['headers'][0] == (b'a', b'b') and 'headers' not in body
    rules = dict(start['headers'])[b'content-security-policy'].decode()
    assert "default-src 'self'" in rules and not [word for word in rules.split() if '//' in word]
