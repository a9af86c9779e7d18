"""An ONNX file without weights of its own: it points into a ``.safetensors`` file beside it.

So the package has each model once, and machines without torch use it too. ONNX calls this external
data: a file, an offset and a length per tensor. Safetensors are a header and then plain bytes, so
the offsets are all it takes. Half-precision tensors are widened by the graph itself.
"""
import json
from pathlib import Path
from typing import Dict, Iterator, NamedTuple, Tuple

import numpy as np

from ssfer_mm.errors import UserError
from ssfer_mm.files.fingerprint import sha256_of

SMALLEST = 64  # values; what has fewer stays in the ONNX file
LARGEST_REST = 500_000  # bytes that an ONNX file may keep
TYPES = {'F32': np.dtype('<f4'), 'F16': np.dtype('<f2')}


class Stored(NamedTuple):
    """Where a tensor lies in a file."""
    dtype: np.dtype
    offset: int
    length: int


def share_weights(path: Path, weights: Path) -> None:
    """Have an ONNX file take its tensors from a safetensors file that has the same values.

    Args:
        path: The ONNX file, which is replaced. Its metadata get ``weights``: the file and its
            SHA-256.
        weights: In the same folder.

    Raises:
        UserError: Too much of the ONNX file is not in the other one, as where an exporter has
            computed with the weights.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(str(path))
    known = stored_tensors(weights)
    widened = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < SMALLEST:
            continue
        place = _find(numpy_helper.to_array(tensor), known)
        if place is None:
            continue
        if place.dtype == TYPES['F16']:
            name, tensor.name = tensor.name, f'{tensor.name}.stored'
            tensor.data_type = TensorProto.FLOAT16
            widened.append(helper.make_node('Cast', [tensor.name], [name], to=TensorProto.FLOAT))
        _point_to(tensor, weights.name, place)
    nodes = [*widened, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    del model.graph.value_info[:]  # shapes in between, which whoever reads the file works out
    facts = dict(file=weights.name, sha256=sha256_of(weights))
    model.metadata_props.add(key='weights', value=json.dumps(facts))
    data = model.SerializeToString()
    if len(data) > LARGEST_REST:
        raise UserError(f'{path.name} would keep {len(data)} bytes beside {weights.name}, more '
                        f'than {LARGEST_REST}: the exporter changed the weights. Leave them in the '
                        'ONNX file')
    path.write_bytes(data)


def stored_tensors(weights: Path) -> Dict[bytes, Stored]:
    """The tensors of a safetensors file by their bytes; the first of several equal ones."""
    data = weights.read_bytes()
    return {data[place.offset:place.offset + place.length]: place
            for place in reversed(list(_places(data)))}


def _places(data: bytes) -> Iterator[Stored]:
    begin = 8 + int.from_bytes(data[:8], 'little')
    for name, entry in json.loads(data[8:begin]).items():
        if name != '__metadata__' and entry['dtype'] in TYPES:
            first, last = entry['data_offsets']
            yield Stored(TYPES[entry['dtype']], begin + first, last - first)


def _find(values: np.ndarray, known: Dict[bytes, Stored]) -> Stored | None:
    """Where exactly these values are stored, in whichever precision."""
    for dtype in TYPES.values():
        with np.errstate(over='ignore'):
            stored = values.astype(dtype)
        place = known.get(stored.tobytes())
        if place and place.dtype == dtype and np.array_equal(stored.astype(np.float32), values):
            return place
    return None


def _point_to(tensor, file: str, place: Stored) -> None:
    """Replace the values of an ONNX tensor by their place in a file."""
    from onnx import TensorProto

    for field in ('raw_data', 'float_data'):
        tensor.ClearField(field)
    tensor.data_location = TensorProto.EXTERNAL
    del tensor.external_data[:]
    facts: Tuple[Tuple[str, object], ...] = (('location', file), ('offset', place.offset),
                                             ('length', place.length))
    for key, value in facts:
        tensor.external_data.add(key=key, value=str(value))
