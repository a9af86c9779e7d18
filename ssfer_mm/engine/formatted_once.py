"""Every checkpoint carries the config as text; formatting it once is enough."""
import functools


def format_configs_once() -> None:
    """Let yapf, with which mmengine formats a config, remember its last result.

    yapf keeps about 1 MiB of every text that it formats (0.43, seen with ``tools/soak.py``), and
    the runner formats the same config for each checkpoint. Calling this again changes nothing.
    """
    from mmengine.config import config
    from yapf.yapflib import yapf_api

    if hasattr(yapf_api.FormatCode, '__wrapped__'):
        return
    original, last = yapf_api.FormatCode, {}

    @functools.wraps(original)
    def format_code(*args, **options):
        key = repr((args, sorted(options.items())))
        if key not in last:
            found = original(*args, **options)
            last.clear()
            last[key] = found
        return last[key]

    # onedl-mmengine looks the name up at each call; mmengine 0.10.7 has a copy of its own.
    yapf_api.FormatCode = format_code
    if hasattr(config, 'FormatCode'):
        config.FormatCode = format_code
