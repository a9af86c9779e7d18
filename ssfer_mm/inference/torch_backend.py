"""Classifier and detector on torch and OpenMMLab. Importing this file needs both."""
from pathlib import Path
from typing import Callable, Optional, Sequence, Tuple

import numpy as np
import torch

from ssfer_mm.faces.detectors import FaceDetector, build_detector
from ssfer_mm.faces.detectors.settings import detector_settings
from ssfer_mm.model_files.classifier import Probabilities, build_classifier, resize_faces
from ssfer_mm.model_files.described import Options, describe

from .explain import class_evidence

Timer = Callable[[Callable], Callable]


class TorchClassifier:
    """Expression probabilities of face crops.

    Args:
        path: Any file of a classifier that ``tools/convert_checkpoint.py`` reads.
        options: What the file does not say about itself.
        device: Where to run.
        batch_size: Faces per forward pass.
        timer: Wraps the network's forward pass.

    Attributes:
        classes: Names of the K classes, in the order of the columns.
        input_size: (height, width) in pixels that faces are resized to.
        margin: Around a face, as in the training; None if unknown.

    Raises:
        UserError: The file is not a classifier that can be used, or there is no such device.
    """

    def __init__(self, path: Path, options: Options, device: str, batch_size: int,
                 timer: Timer) -> None:
        self._described = describe(path, options)
        network = Probabilities(build_classifier(self._described), self._described).eval()
        self.classes: Tuple[str, ...] = self._described.classes
        self.input_size: Tuple[int, int] = self._described.input_size
        self.margin = self._described.margin
        self.batch_size = batch_size
        self._device = torch.device(device)
        self._network = network.to(self._device)
        time_network(self._network, self._device, timer)

    @torch.inference_mode()
    def predict(self, faces: Sequence[np.ndarray]) -> np.ndarray:
        """(N, K) float32 probabilities of uint8 (H, W, 3) BGR crops of any sizes."""
        rows = [np.zeros((0, len(self.classes)), np.float32)]
        for start in range(0, len(faces), self.batch_size):
            batch = resize_faces(faces[start:start + self.batch_size], self._described)
            rgb = batch.to(self._device).flip(1).float()
            rows.append(self._network(rgb).cpu().numpy())
        return np.concatenate(rows)

    def explain(self, faces: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
        """Where each face shows what speaks for a class; see :func:`class_evidence`.

        Args:
            faces: uint8 (H, W, 3) BGR crops.
            labels: One class name per face.

        Returns:
            float32 (N, h, w) in [0, 1], on the coarse grid of the network's features.
        """
        model = self._network.model
        batch = resize_faces(faces, self._described).to(self._device)
        images = model.data_preprocessor(dict(inputs=batch))['inputs']
        return class_evidence(model, images, [self.classes.index(label) for label in labels]
                              ).cpu().numpy()


def make_detector(name: str, score_threshold: Optional[float], batch_size: int, device: str,
                  timer: Timer) -> FaceDetector:
    """A face detector by name or config file; see :func:`build_detector`."""
    settings = detector_settings(name, score_threshold, batch_size)
    detector = build_detector(settings).to(device)
    network = getattr(detector, 'model', None)
    if isinstance(network, torch.nn.Module):
        # From normalization to boxes, all of which an exported detector does in its graph.
        time_network(network, torch.device(device), timer, 'test_step')
    elif getattr(detector, 'network', None) is not None:  # OpenCV's cannot be looked into
        detector.detect = timer(detector.detect)
    return detector


def time_network(network: torch.nn.Module, device: torch.device, timer: Timer,
                 method: str = 'forward') -> None:
    """Have the timer see every call of a method that runs the network."""
    forward = getattr(network, method)

    def finished(*args, **kwargs):
        result = forward(*args, **kwargs)
        if device.type == 'cuda':  # which returns before it has computed anything
            torch.cuda.synchronize(device)
        return result

    setattr(network, method, timer(finished))
