"""Reading ``.npy`` files that came from elsewhere."""
import math
import os

import numpy as np
from numpy.lib import format as npy_format


def load_npy(path: str) -> np.ndarray:
    """Read an array without unpickling, and without believing a size that the file cannot hold.

    Args:
        path: A ``.npy`` file of any version.

    Raises:
        ValueError: It is none, is damaged or cut off, or holds Python objects.
        OSError: It cannot be read.
    """
    with open(path, 'rb') as file:
        try:
            version = npy_format.read_magic(file)
            read = {(1, 0): npy_format.read_array_header_1_0,
                    (2, 0): npy_format.read_array_header_2_0}.get(version)
            if read is None:
                raise ValueError(f'version {version} of the format')
            shape, _, dtype = read(file)
        except OSError:
            raise
        except Exception as error:  # its header is Python text, which is damaged in many ways
            raise ValueError(f'no .npy file: {error}') from error
        left = os.fstat(file.fileno()).st_size - file.tell()
        if dtype.hasobject:
            raise ValueError('it holds Python objects, which could run code')
        if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > left:
            raise ValueError(f'{left} bytes for an array {shape} of {dtype}')
        if dtype.kind not in 'biufcSU':
            raise ValueError(f'an array of {dtype} is neither numbers nor text')
        file.seek(0)
        array = npy_format.read_array(file, allow_pickle=False)
    # NumPy believes any four bytes to be a character, and Python then does not.
    if dtype.kind == 'U' and array.nbytes and array.reshape(-1).view(
            np.dtype(np.uint32).newbyteorder(dtype.byteorder)).max() > 0x10FFFF:
        raise ValueError('its text holds what is no character')
    return array
