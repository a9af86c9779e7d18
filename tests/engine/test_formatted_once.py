"""A config is formatted once, however often its text is asked for."""
from mmengine.config import Config, config
from yapf.yapflib import yapf_api

from ssfer_mm.engine.formatted_once import format_configs_once


def test_same_text_from_one_call(monkeypatch):
    calls, original = [], getattr(yapf_api.FormatCode, '__wrapped__', yapf_api.FormatCode)

    def counting(*args, **options):
        calls.append(args)
        return original(*args, **options)

    for module in (yapf_api, config):  # mmengine 0.10.7 has a copy of its own
        if hasattr(module, 'FormatCode'):
            monkeypatch.setattr(module, 'FormatCode', counting)
    one, other = Config(dict(a=1, b=dict(c=[2, 3]))), Config(dict(a=2))
    expected = one.pretty_text, other.pretty_text
    del calls[:]
    format_configs_once()
    format_configs_once()
    assert [one.pretty_text for _ in range(3)] == [expected[0]] * 3 and len(calls) == 1
    assert other.pretty_text == expected[1] and len(calls) == 2
    other.a = 5
    assert other.pretty_text == 'a = 5\n' and len(calls) == 3
