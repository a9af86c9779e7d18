"""Read checkpoints without running what is in them."""
import contextlib
import errno
import importlib
import json
import pickle
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from ssfer_mm.errors import UserError
from ssfer_mm.files.checkpoint_list import check_listed


def _log_statistic(owner: type, name: str) -> Callable:
    """The only `getattr` an mmengine checkpoint may make: a statistic of its log buffers."""
    from mmengine.logging import HistoryBuffer

    if owner is HistoryBuffer and name in ('min', 'max', 'current', 'mean'):
        return getattr(owner, name)
    raise pickle.UnpicklingError(f'Unsupported: GLOBAL builtins.getattr({owner!r}, {name!r})')


def safe_types() -> List[Any]:
    """What mmengine checkpoints hold besides tensors and plain values; none of it can run code.

    Returns:
        Entries for `torch.serialization.add_safe_globals`. Numpy's two module layouts (before and
        since 2.0) are both listed, so that a checkpoint may travel between them.
    """
    import argparse

    import numpy as np
    from mmengine.logging import HistoryBuffer

    multiarray = importlib.import_module(
        'numpy._core.multiarray' if np.lib.NumpyVersion(np.__version__) >= '2.0.0' else
        'numpy.core.multiarray')
    entries = [HistoryBuffer, np.ndarray, np.dtype, (_log_statistic, 'builtins.getattr'),
               argparse.Namespace]  # the official MAE checkpoints keep their arguments
    for layout in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        entries += [(multiarray._reconstruct, f'{layout}._reconstruct'),
                    (multiarray.scalar, f'{layout}.scalar')]
    numeric = np.typecodes['AllInteger'] + np.typecodes['Float'] + '?U'
    return entries + sorted({type(np.dtype(code)) for code in numeric}, key=str)


def load_checkpoint_safely(path: Union[str, Path], map_location: Any = 'cpu') -> Dict[str, Any]:
    """Read a checkpoint file without letting it run code.

    Args:
        path: A file written by mmengine or `torch.save`, or a ``.safetensors`` file.
        map_location: As in `torch.load`.

    Returns:
        The checkpoint dict. Of a safetensors file: its tensors as ``state_dict``, its metadata as
        ``meta``, whose values are decoded where they are JSON.

    Raises:
        UserError: the file is missing, damaged, not a dict, or holds anything but weights,
            numbers and logs; or ``checkpoints.json`` beside it has another checksum for it.
    """
    import torch

    path = Path(path).expanduser()
    if path.is_dir():
        raise UserError(f'Checkpoint {path} is a folder: name a .pth file in it.')
    if not path.is_file():
        raise UserError(f'Checkpoint {path} not found; expected a .pth file. Check the path.')
    check_listed(path)
    if path.suffix == '.safetensors':
        device = map_location if isinstance(map_location, str) else 'cpu'
        state, meta = read_safetensors(path, device)
        return dict(state_dict=state, meta=meta)
    try:
        with torch.serialization.safe_globals(safe_types()):
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:  # a damaged file fails in a dozen ways, all meaning the same
        unsafe = re.search(r'GLOBAL ([\w.]+)', str(error))
        if isinstance(error, pickle.UnpicklingError) and unsafe:
            raise UserError(
                f'Checkpoint {path} holds {unsafe[1]}, which could run code; expected only '
                'weights, numbers and logs. If you trust it, load it where it was made and save '
                'its state_dict alone.') from error
        if isinstance(error, torch.cuda.OutOfMemoryError):
            raise
        if is_unreadable(error):
            raise UserError(f'Checkpoint {path} ({path.stat().st_size} bytes) cannot be read '
                            f'({error}); make it readable, free memory, or copy it '
                            'again.') from error
        raise UserError(f'Checkpoint {path} is damaged or no checkpoint ({path.stat().st_size} '
                        'bytes); expected a complete .pth file. Copy or train it again.') from error
    if not isinstance(checkpoint, dict):
        raise UserError(f'Checkpoint {path} holds a {type(checkpoint).__name__}; expected a dict '
                        'of weights. Save model.state_dict() instead.')
    return checkpoint


def is_unreadable(error: Optional[BaseException]) -> bool:
    """Whether a file could not be read, which says nothing of what is in it."""
    # In a file that was cut off, torch looks for what lies before its beginning: EINVAL.
    return isinstance(error, MemoryError) or (
        isinstance(error, OSError) and error.errno not in (None, errno.EINVAL))


def read_safetensors(path: Path, device: str = 'cpu') -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """Read a safetensors file, whatever its name.

    Returns:
        Its tensors by name; and its metadata, whose values are decoded where they are JSON.

    Raises:
        UserError: It is damaged or no such file.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework='pt', device=device) as file:
            state = {name: file.get_tensor(name) for name in file.keys()}
            texts = file.metadata() or {}
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, RuntimeError,
            OverflowError, MemoryError) as error:
        raise UserError(f'Checkpoint {path} is damaged or no safetensors file '
                        f'({path.stat().st_size} bytes); expected a complete one. Copy or convert '
                        'it again.') from error
    meta: Dict[str, Any] = dict(texts)
    for name, text in texts.items():
        # Text that is no JSON stays text: also digits, or brackets, beyond all bounds.
        with contextlib.suppress(ValueError, RecursionError):
            meta[name] = json.loads(text)
    return state, meta


def enable_safe_loading() -> None:
    """Make mmengine read every checkpoint through the safe loader.

    mmengine 0.10.7 with torch >= 2.6 cannot read its own checkpoints (so it cannot resume), and
    its maintained fork falls back to unsafe unpickling. mmengine lets the reader of a kind of
    path be replaced, which covers `resume`, `load_from` and `init_cfg` at once. Short names
    (``torchvision://``, ``open-mmlab://``, ``mmcls://``) are addresses in the end; buckets
    (``s3://``, ``petrel://``, ``pavi://``) have readers of their own, and are refused.
    """
    from mmengine.runner import CheckpointLoader
    from mmengine.runner import checkpoint as mmengine_checkpoint

    def load_from_local(filename: str, map_location: Any = None) -> Dict[str, Any]:
        return load_checkpoint_safely(filename, map_location)

    def load_from_http(filename: str, map_location: Any = None,
                       model_dir: Optional[str] = None) -> Dict[str, Any]:
        from ssfer_mm.files.download import fetch_weights

        # Its lock keeps the processes of a machine apart; each machine may have its own disk.
        return load_checkpoint_safely(fetch_weights(filename, model_dir), map_location)

    def load_from_bucket(filename: str, map_location: Any = None) -> Dict[str, Any]:
        raise UserError(f'checkpoint {filename} lies in a bucket, from which mmengine would '
                        'unpickle it unsafely: download it and name the file')

    CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)
    CheckpointLoader.register_scheme(
        prefixes=['http://', 'https://'], loader=load_from_http, force=True)
    CheckpointLoader.register_scheme(
        prefixes=[r'(\S+\:)?s3://', r'(\S+\:)?petrel://', 'pavi://'], loader=load_from_bucket,
        force=True)
    # The readers of short names look these up when they are called; one is the fork's only.
    mmengine_checkpoint.load_from_http = load_from_http
    mmengine_checkpoint._safe_torch_load = load_from_local
