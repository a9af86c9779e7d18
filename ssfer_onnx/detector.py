"""A face detector in an ONNX file that ``tools/export_onnx_detector.py`` wrote."""
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple, Union

import cv2
import numpy as np

from .classifier import OnnxModelError, _check_image, _open

PAD_VALUE = 114  # the grey around an image in its square, as in training
# float32 (3, S, S) in BGR, 0-255; and the (width, height) factors from the image to the square.
Prepared = Tuple[np.ndarray, Tuple[float, float]]
LIMIT = 1000  # boxes per image that are compared with each other


@dataclass(frozen=True, eq=False)
class OnnxFaces:
    """The faces of one image.

    Attributes:
        boxes: float32 (N, 4), xyxy in pixels of the image, best score first; not clipped.
        scores: float32 (N,), in [0, 1].
    """
    boxes: np.ndarray
    scores: np.ndarray


class OnnxFaceDetector:
    """Face boxes of whole images.

    Args:
        path: The ``.onnx`` file.
        score_threshold: Faces below are dropped; in [0, 1].
        nms_iou: Of two faces that overlap by more, the worse is dropped; in [0, 1].
        batch_size: Images per run of the network.
        threads: Threads of the network; None leaves it to onnxruntime.
        providers: onnxruntime's execution providers; None means the CPU.

    Raises:
        OnnxModelError: no such file, or not one of this kind.

    Example:
        >>> detector = OnnxFaceDetector('ssfer_mm/faces/weights/face_detector.onnx')
        >>> photo = np.zeros((60, 80, 3), np.uint8)  # in place of cv2.imread('photo.jpg')
        >>> detector.detect([photo])[0].boxes.shape
        (0, 4)
    """

    def __init__(self,
                 path: Union[str, Path],
                 score_threshold: float = 0.5,
                 nms_iou: float = 0.5,
                 batch_size: int = 16,
                 threads: Optional[int] = None,
                 providers: Optional[Sequence[str]] = None) -> None:
        self.path = Path(path).expanduser()
        self.score_threshold, self.nms_iou = score_threshold, nms_iou
        self.batch_size = batch_size
        self._session = _open(self.path, threads, providers, 'tools/export_onnx_detector.py')
        meta = self._session.get_modelmeta().custom_metadata_map
        try:
            self.facts = {key: json.loads(meta[key]) for key in ('kind', 'input_size', 'detector')}
        except (KeyError, ValueError) as error:
            raise OnnxModelError(f'{self.path} does not describe a face detector; expected a file '
                                 'written by tools/export_onnx_detector.py') from error
        self.input_size: int = self.facts['input_size']

    def detect(self, images: Sequence[np.ndarray]) -> List[OnnxFaces]:
        """The faces of each image.

        Args:
            images: uint8 (H, W, 3) BGR arrays of any sizes.

        Raises:
            OnnxModelError: something is no such image.
        """
        for index, image in enumerate(images):
            _check_image(image, f'image {index}')
        return self.detect_prepared([self.prepare(image) for image in images])

    def prepare(self, image: np.ndarray) -> Prepared:
        """What `detect` does to each image before the network; to be called in any thread."""
        square, factors = _letterbox(image, self.input_size)
        return np.ascontiguousarray(square.transpose(2, 0, 1), dtype=np.float32), factors

    def detect_prepared(self, images: Sequence[Prepared]) -> List[OnnxFaces]:
        """The faces of each image, given what `prepare` made of it."""
        found: List[OnnxFaces] = []
        for start in range(0, len(images), self.batch_size):
            part = images[start:start + self.batch_size]
            boxes, scores = self.run(np.stack([pixels for pixels, _ in part]))
            found += [self._faces(own / np.float32(factors * 2), own_scores)
                      for own, own_scores, (_, factors) in zip(boxes, scores, part)]
        return found

    def describe(self) -> dict:
        """What found the faces, JSON-able."""
        digest = hashlib.sha256(self.path.read_bytes()).hexdigest()
        return dict(detector=f'onnx:{self.facts["detector"]}', weights=self.path.name,
                    weights_sha256=digest, score_threshold=self.score_threshold,
                    nms_iou=self.nms_iou, input_size=self.input_size)

    def run(self, pixels: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """The network alone.

        Args:
            pixels: float32 (N, 3, S, S), BGR in 0-255.

        Returns:
            (N, P, 4) boxes in pixels of the square, and their (N, P) scores.
        """
        return tuple(self._session.run(['boxes', 'scores'], {'images': pixels}))

    def _faces(self, boxes: np.ndarray, scores: np.ndarray) -> OnnxFaces:
        kept = (scores >= self.score_threshold) & np.isfinite(boxes).all(axis=1)
        kept &= (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        boxes, scores = boxes[kept], scores[kept]
        order = np.argsort(-scores, kind='stable')[:LIMIT]
        boxes, scores = boxes[order], scores[order]
        best = _suppress(boxes, self.nms_iou)
        return OnnxFaces(boxes[best], scores[best])


def _letterbox(image: np.ndarray, size: int) -> Tuple[np.ndarray, Tuple[float, float]]:
    """The image in the top left corner of a grey square, and its (width, height) factors."""
    height, width = image.shape[:2]
    ratio = size / max(height, width)
    fitted = max(1, round(width * ratio)), max(1, round(height * ratio))
    if fitted != (width, height):
        # Shrinking averages; sampling would tear small faces to pieces.
        method = cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR
        image = cv2.resize(image, fitted, interpolation=method)
    square = np.full((size, size, 3), PAD_VALUE, dtype=np.uint8)
    square[:fitted[1], :fitted[0]] = image
    return square, (fitted[0] / width, fitted[1] / height)


def _suppress(boxes: np.ndarray, limit: float) -> List[int]:
    """Indices of the boxes (best first) that overlap no better one by more than the limit."""
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: List[int] = []
    waiting = np.arange(len(boxes))
    while len(waiting):
        first, waiting = waiting[0], waiting[1:]
        kept.append(int(first))
        corner = np.maximum(boxes[first, :2], boxes[waiting, :2])
        inner = np.minimum(boxes[first, 2:], boxes[waiting, 2:]) - corner
        both = inner.clip(0).prod(axis=1)
        waiting = waiting[both <= limit * (areas[first] + areas[waiting] - both)]
    return kept
