"""Choosing and making classifier and detector, on torch or on onnxruntime."""
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional, Tuple, Union

from ssfer_mm.command_line.packages import is_installed, load_package
from ssfer_mm.errors import UserError
from ssfer_mm.model_files.model_names import ENDINGS, NamedModel, find_model
from ssfer_mm.runtime.processor import cores

from .clock import Clock
from .pipeline import Classifier, Detector
from .whole_image import WholeImage

BACKENDS = ('torch', 'onnx')
DETECTOR_NAME = 'face_detector.onnx'
DETECTOR = re.compile(r'embedded|whole|fixed|yunet:.+|.+\.(py|onnx)', re.DOTALL)
DETECTORS = ("'embedded', 'whole' for images that are face crops, 'fixed', 'yunet:FILE.onnx', a "
             '.py file that holds detector = dict(...), or the .onnx file of an exported detector')
SHIPPED_DETECTOR = Path(__file__).resolve().parents[1] / 'faces' / 'weights' / DETECTOR_NAME


@dataclass(frozen=True)
class BackendSettings:
    """What to run, and on what.

    Attributes:
        model: Name or file of a classifier, or the folder of a run; None for the package's own.
        detector: ``'embedded'``, ``'whole'`` (images are face crops), ``'yunet:FILE'``, a config
            file; for onnx also the file of an exported detector.
        backend: ``'torch'``, ``'onnx'``, or None: the one that takes the model's file; of a name,
            ``'onnx'`` where torch is not installed and onnxruntime is.
        device: Of torch.
        config: Training config of a model that does not carry its own.
        dataset: Data set of a released model, for classes, mean and std.
        score_threshold: Of the detector; None leaves its own.
        batch_size: Images, and faces, per forward pass.
    """
    model: Optional[str] = None
    detector: str = 'embedded'
    backend: Optional[str] = None
    device: str = 'cpu'
    config: str = ''
    dataset: str = ''
    score_threshold: Optional[float] = None
    batch_size: int = 16

    @property
    def chosen_backend(self) -> str:
        """``'torch'`` or ``'onnx'``."""
        if self.backend:
            return self.backend
        by_file = [name for name, endings in ENDINGS.items()
                   if self.model and self.model.endswith(endings)]
        if by_file:
            return by_file[0]
        return 'onnx' if is_installed('onnxruntime') and not is_installed('torch') else 'torch'

    def check(self) -> None:
        """Raise a UserError that names the first setting out of range."""
        if self.chosen_backend not in BACKENDS:
            raise UserError(f'--backend {self.backend}: use one of {", ".join(BACKENDS)}')
        if not DETECTOR.fullmatch(self.detector):
            raise UserError(f'--detector {self.detector}: use {DETECTORS}')
        if self.batch_size < 1:
            raise UserError(f'--batch-size {self.batch_size}: give 1 or more')
        if self.score_threshold is not None and not 0 <= self.score_threshold <= 1:
            raise UserError(f'--score-threshold {self.score_threshold}: give a number in [0, 1]')


def make_classifier(settings: BackendSettings, clock: Clock) -> Tuple[Classifier, NamedModel]:
    """The classifier, and which one it is.

    Raises:
        UserError: There is none, it cannot be used, or what it needs is not installed.
    """
    settings.check()
    model = find_model(settings.model, settings.chosen_backend)
    if settings.chosen_backend == 'onnx':
        for option in ('config', 'dataset'):
            if getattr(settings, option):
                raise UserError(f'--{option} is of no use with --backend onnx: an exported model '
                                'describes itself. Leave it out.')
        if settings.device != 'cpu':
            raise UserError(f'--device {settings.device} is for torch; with --backend onnx (or an '
                            '.onnx model) everything runs on the CPU. Leave it out.')
        return _onnx_classifier(model.path, settings, clock), model
    load_package()
    from ssfer_mm.model_files.described import Options
    from ssfer_mm.runtime.devices import check_device

    from .torch_backend import TorchClassifier

    check_device(settings.device)
    options = Options(dataset=settings.dataset, config=settings.config)
    return TorchClassifier(model.path, options, settings.device, settings.batch_size,
                           functools.partial(timed, clock)), model


def make_detector(settings: BackendSettings, model: Optional[Path], clock: Clock) -> Detector:
    """The face detector.

    Args:
        settings: What is wanted.
        model: File of the classifier; exported detectors are looked for beside it.
        clock: Where its network's time is counted.

    Raises:
        UserError: There is none, it cannot be used, or what it needs is not installed.
    """
    settings.check()
    if settings.detector == 'whole':
        return WholeImage()
    if settings.detector.endswith('.onnx') and not settings.detector.startswith('yunet:'):
        return _onnx_detector(settings.detector, settings, clock)
    if settings.chosen_backend == 'onnx':
        return _onnx_detector(_exported_detector(settings.detector, model), settings, clock)
    load_package()
    from . import torch_backend

    return torch_backend.make_detector(settings.detector, settings.score_threshold,
                                       settings.batch_size, settings.device,
                                       functools.partial(timed, clock))


def network_threads() -> int:
    """Threads of a network: every core but one, on which images are read meanwhile.

    Threads that wait for each other spin; with one per core they would take the readers' time.
    """
    return max(1, cores() - 1)


def timed(clock: Clock, function: Callable) -> Callable:
    """The same function; its time counts as time inside a network."""

    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        with clock.inside_network():
            return function(*args, **kwargs)

    return wrapper


def _onnx_classifier(path: Path, settings: BackendSettings, clock: Clock) -> Classifier:
    from ssfer_onnx import OnnxClassifier, OnnxModelError

    try:
        classifier = OnnxClassifier(path, settings.batch_size, threads=network_threads())
    except OnnxModelError as error:
        raise UserError(str(error)) from error
    classifier.run = timed(clock, classifier.run)
    return classifier


def _onnx_detector(path: Union[str, Path], settings: BackendSettings, clock: Clock) -> Detector:
    from ssfer_onnx import OnnxFaceDetector, OnnxModelError

    known = {} if settings.score_threshold is None else dict(
        score_threshold=settings.score_threshold)
    try:
        detector = OnnxFaceDetector(path, batch_size=settings.batch_size,
                                    threads=network_threads(), **known)
    except OnnxModelError as error:
        raise UserError(str(error)) from error
    detector.run = timed(clock, detector.run)
    return detector


def _exported_detector(name: str, model: Optional[Path]) -> Path:
    if name != 'embedded':
        raise UserError(f'--detector {name} needs torch; with --backend onnx (or an .onnx '
                        'model) use embedded, the file of an exported detector, or whole for '
                        'images that are face crops')
    places = [folder / DETECTOR_NAME for folder in ([model.parent] if model else [])]
    for path in (*places, SHIPPED_DETECTOR):
        if path.is_file():
            return path
    raise UserError(f'no {DETECTOR_NAME} beside the model or in the package: write it with '
                    'tools/export_onnx_detector.py on a machine that has torch, or give '
                    '--detector FILE.onnx, or --detector whole for images that are face crops')
