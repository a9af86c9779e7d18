"""Files of weights on disk: ``.pth`` and ``.safetensors``, as this package writes them."""
import io
import json
from pathlib import Path
from typing import Dict, Optional, Union

import torch
from torch import Tensor

from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write

SUFFIXES = ('.pth', '.safetensors')


def write_checkpoint(path: Union[str, Path], state: Dict[str, Tensor], meta: dict,
                     container: str = 'state_dict') -> None:
    """Write weights and what is known about them, wholly or not at all.

    Args:
        path: Ends in ``.pth`` or ``.safetensors``.
        state: name -> tensor.
        meta: JSON-able values. In safetensors each value is a JSON text in the file's metadata.
        container: In a ``.pth``, the entry that holds the weights.

    Raises:
        UserError: another suffix, or the file cannot be written.
    """
    path = Path(path)
    check_suffix(path)
    state = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    try:
        with atomic_write(path, 'wb') as file:
            if path.suffix == '.pth':
                file.write(saved({container: state, 'meta': meta}))
            else:
                from safetensors.torch import save

                texts = {name: json.dumps(value) for name, value in meta.items()}
                file.write(save(state, metadata={'format': 'pt', **texts}))
    except OSError as error:
        raise UserError(f'{path} cannot be written ({error.strerror}); choose another '
                        'name.') from error


def saved(content: dict) -> memoryview:
    """The bytes of a ``.pth``, in memory: of a full disk torch.save says only RuntimeError."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getbuffer()


def check_suffix(path: Path, suffixes: Optional[tuple] = None) -> None:
    """Refuse a file name whose ending does not say which format is meant.

    Raises:
        UserError: it is none of ``suffixes`` (default: `SUFFIXES`).
    """
    suffixes = suffixes or SUFFIXES
    if path.suffix not in suffixes:
        raise UserError(f'{path}: expected a name that ends in {" or ".join(suffixes)}, found '
                        f'{path.suffix or "no ending"!r}. Change the ending.')
