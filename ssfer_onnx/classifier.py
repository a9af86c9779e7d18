"""A facial expression classifier in an ONNX file that ``tools/export.py`` wrote."""
import hashlib
import json
from pathlib import Path
from typing import List, Optional, Sequence, Tuple, Union

import cv2
import numpy as np


class OnnxModelError(ValueError):
    """The model or the images cannot be used; one line that says what to do."""


class OnnxClassifier:
    """Expression probabilities of face crops.

    The file says all there is to know: classes and input size are in its metadata, normalization
    and softmax in its graph.

    Args:
        path: The ``.onnx`` file.
        batch_size: Faces per run of the network; bounds the memory.
        threads: Threads of the network; None leaves it to onnxruntime.
        providers: onnxruntime's execution providers; None means the CPU.

    Attributes:
        classes: Names of the K classes, in the order of the columns.
        input_size: (height, width) in pixels that faces are resized to.
        margin: What to add around a detected face on each side, as a share of its longer edge;
            None if the file does not say.

    Raises:
        OnnxModelError: no such file, a damaged one, or one that ``tools/export.py`` did not write.

    Example:
        >>> model = OnnxClassifier('ssfer_mm/model_files/weights/ferplus-resnet-micro.onnx')
        >>> faces = [np.zeros((60, 50, 3), np.uint8)]  # in place of cv2.imread('face.jpg')
        >>> model.predict(faces).shape, len(model.classes)
        ((1, 8), 8)
    """

    def __init__(self,
                 path: Union[str, Path],
                 batch_size: int = 32,
                 threads: Optional[int] = None,
                 providers: Optional[Sequence[str]] = None) -> None:
        self.path, self.batch_size = Path(path).expanduser(), batch_size
        self._session = _open(self.path, threads, providers)
        meta = self._session.get_modelmeta().custom_metadata_map
        try:
            self.classes: Tuple[str, ...] = tuple(json.loads(meta['classes']))
            self.input_size: Tuple[int, int] = tuple(json.loads(meta['input_size']))
            self.margin: Optional[float] = json.loads(meta.get('margin', 'null'))
        except (KeyError, ValueError) as error:
            raise OnnxModelError(f'{self.path} does not name its classes and input size; expected '
                                 'a file written by tools/export.py. Export it again.') from error
        self._input = self._session.get_inputs()[0].name

    def predict(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities of each class.

        Args:
            faces: N face crops, uint8 (H, W, 3) in BGR order, of any sizes.

        Returns:
            float32 (N, K); each row sums to 1. (0, K) for no faces.

        Raises:
            OnnxModelError: something is no such image.
        """
        rows: List[np.ndarray] = [np.zeros((0, len(self.classes)), np.float32)]
        for start in range(0, len(faces), self.batch_size):
            batch = np.stack([self._prepare(face, start + i) for i, face in
                              enumerate(faces[start:start + self.batch_size])])
            rows.append(self.run(batch))
        return np.concatenate(rows)

    def run(self, batch: np.ndarray) -> np.ndarray:
        """The network alone: float32 (N, 3, H, W), RGB in 0-255, to (N, K) probabilities."""
        return self._session.run(None, {self._input: batch})[0]

    def _prepare(self, face: np.ndarray, index: int) -> np.ndarray:
        """One face as float32 (3, H, W), RGB in 0-255, as in the test of the training."""
        _check_image(face, f'face {index}')
        height, width = self.input_size
        face = cv2.resize(face, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.ascontiguousarray(face[..., ::-1].transpose(2, 0, 1), dtype=np.float32)


def _check_image(image: object, name: str) -> None:
    if not (isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 3
            and image.shape[2] == 3 and image.size):
        found = (f'{image.dtype} {image.shape}' if isinstance(image, np.ndarray)
                 else type(image).__name__)
        raise OnnxModelError(f'{name} is {found}; expected a uint8 array (H, W, 3) in BGR order, '
                             'as cv2.imread gives it where it can read the file')


def _open(path: Path, threads: Optional[int], providers: Optional[Sequence[str]],
          writer: str = 'tools/export.py'):
    try:
        import onnxruntime
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == 'onnxruntime':
            raise OnnxModelError('onnxruntime is not installed; run: '
                                 'pip install onnxruntime') from error
        reason = ' '.join(str(error).split())[:200]
        raise OnnxModelError(f'onnxruntime is installed but cannot be loaded ({reason}); run: pip '
                             'install --force-reinstall onnxruntime; on Windows also install the '
                             'Microsoft Visual C++ redistributable') from error
    if not path.is_file():
        raise OnnxModelError(f'the model {path} does not exist; expected an .onnx file written by '
                             f'{writer}. Check the path.')
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what goes wrong is said below
    if threads:
        options.intra_op_num_threads = threads
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=list(providers or ['CPUExecutionProvider']))
    except Exception as error:  # onnxruntime has a dozen exception types and documents none
        reason = ' '.join(str(error).split())
        if 'xternal' in reason:
            raise OnnxModelError(f'{path} takes its weights from another file, which is not beside '
                                 f'it, damaged or another one: copy both ({reason[:200]})'
                                 ) from error
        raise OnnxModelError(f'{path} ({path.stat().st_size} bytes) cannot be opened as an ONNX '
                             f'model: {reason[:200]}') from error
    _check_weights(path, session.get_modelmeta().custom_metadata_map.get('weights'))
    return session


def _check_weights(path: Path, facts: Optional[str]) -> None:
    """Where weights lie in a file of their own, it must be the one that the graph was made for."""
    if facts is None:
        return
    known = json.loads(facts)
    weights = path.with_name(known['file'])
    if hashlib.sha256(weights.read_bytes()).hexdigest() != known['sha256']:
        raise OnnxModelError(f'{weights} is not the file that {path.name} was made for: copy both '
                             'from where they were made, or export the model again')
