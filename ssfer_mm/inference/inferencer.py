"""Expressions of the faces in images, in one line of Python."""
import contextlib
import os
import os.path as osp
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Deque, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np

from ssfer_mm.command_line.progress import progress
from ssfer_mm.errors import UserError
from ssfer_mm.files.fingerprint import sha256_once
from ssfer_mm.model_files.published import published_path
from ssfer_mm.runtime.processor import cores

from .annotate import draw_result, legible
from .backends import BackendSettings, make_classifier, make_detector
from .background import map_ahead, read_ahead
from .clock import Clock
from .loading import Loaded, in_batches, load
from .pipeline import Classifier, Detector, FacePipeline, Found
from .results import NO_FACE, OK, FaceResult, ImageResult
from .sources import VIDEO_SUFFIXES, Photo, Video, Webcam, find_source

FIRST_BATCH = 4  # images; the next ones are twice as large until they are whole
READERS = min(4, cores())  # threads that decode images
# Of models that do not say; measured with benchmarks/crop_margin.py, see docs/predict.md.
MARGIN = -0.1
# Images, the faces found in each, and what will be the crops of these.
Begun = Tuple[Sequence[Loaded], Sequence[Found], Iterable[List[np.ndarray]]]


class FERInferencer:
    """Finds the faces in images and names their expressions.

    Args:
        model: A name (``ssfer models`` lists them), the folder of a run, a file (``.pth``,
            ``.safetensors``, ``.onnx``), or any object with ``classes``, ``input_size`` and
            ``predict``. None: the package's own.
        detector: ``'embedded'``, ``'whole'`` (every image is one face), ``'yunet:FILE'``, a config
            file, the ``.onnx`` file of an exported detector, or any object with ``detect``.
        device: Where torch runs, such as ``'cuda'``.
        backend: ``'torch'`` or ``'onnx'``, which needs neither torch nor OpenMMLab. None: the one
            that takes the model's file; of a name, ``'onnx'`` where torch is not installed.
        config: Training config of a model file that does not carry its own.
        dataset: Data set of a released model (``'rafdb'``, ...), which sets its classes.
        score_threshold: Faces with a lower score are dropped. None: the detector's own.
        margin: Added around a face on each side, as a share of its longer edge. None: what the
            model says, or else `MARGIN`. Not with ``'whole'``, which takes images as they are.
        batch_size: Images, and faces, per forward pass.
        flip: Average the probabilities of each face and its mirror image, in twice the time.

    Attributes:
        classes: Names of the classes.
        name: Of the model; None of an object.
        clock: Where the time went, see :meth:`Clock.breakdown`.

    Raises:
        UserError: Model or detector cannot be used; the message says what to do.

    Example:
        >>> from ssfer_mm.synthfer import SynthFERGenerator
        >>> face = SynthFERGenerator(seed=0, size=96, difficulty=0).item('test', 2)
        >>> infer = FERInferencer()  # or FERInferencer('work_dirs/RUN/classifier_semi.pth')
        >>> result = infer(face.image[..., ::-1])[0]  # BGR; or infer('photo.jpg')
        >>> result.status, result.faces[0].label
        ('ok', 'sadness')
    """

    def __init__(self,
                 model: Union[str, os.PathLike, Classifier, None] = None,
                 detector: Union[str, os.PathLike, Detector] = 'embedded',
                 device: str = 'cpu',
                 backend: Optional[str] = None,
                 config: str = '',
                 dataset: str = '',
                 score_threshold: Optional[float] = None,
                 margin: Optional[float] = None,
                 batch_size: int = 16,
                 flip: bool = False) -> None:
        if isinstance(detector, os.PathLike):
            detector = os.fspath(detector)
        if margin is not None and isinstance(detector, str) and detector == 'whole':
            raise UserError(f'--margin {margin} is for faces that are found; --detector whole '
                            'takes images as they are. Leave one of the two out.')
        given = model is None or isinstance(model, (str, os.PathLike))
        settings = BackendSettings(
            os.fspath(model) if given and model is not None else None,
            detector if isinstance(detector, str) else 'whole', backend, device, config, dataset,
            score_threshold, batch_size)
        self.clock = Clock()
        self.batch_size = batch_size
        classifier, known = make_classifier(settings, self.clock) if given else (model, None)
        if isinstance(detector, str):
            detector = make_detector(settings, known.path if known else None, self.clock)
        self.classes: Tuple[str, ...] = tuple(classifier.classes)
        self._model = known
        self.name: Optional[str] = known.name if known else None
        if margin is None:
            margin = next((owner.margin for owner in (detector, classifier)
                           if getattr(owner, 'margin', None) is not None), MARGIN)
        self._pipeline = FacePipeline(detector, classifier, margin, self.clock, flip)
        self.clock.reset()

    def __call__(self, images: object, batch_size: Optional[int] = None,
                 show_progress: bool = False) -> List[ImageResult]:
        """Find and classify the faces of images.

        Args:
            images: One image or several: paths of files or folders, uint8 BGR arrays
                (H, W, 3), grey ones (H, W), PIL images, mixed at will; or one array
                (N, H, W, 3) of a batch.
            batch_size: Images at a time, instead of the inferencer's own.
            show_progress: Show a bar.

        Returns:
            One result per image; unreadable images say so in their ``status``.

        Raises:
            UserError: A path does not exist, or a folder holds no images.
        """
        listed = list_inputs(images)
        found = self.stream(listed, batch_size)
        return [result for _, result in progress(found, len(listed), shown=show_progress)]

    def stream(self, images: Iterable[object], batch_size: Optional[int] = None,
               ahead: bool = True) -> Iterator[Tuple[Loaded, ImageResult]]:
        """Results as they come, with the images, of which only a few batches are held.

        A large JPEG is looked at, and comes, at a fraction of its size; ``image.closer()`` reads
        all of it, for drawing.

        Args:
            images: Anything that :func:`load` takes.
            batch_size: Images at a time.
            ahead: Read the next batch in threads meanwhile.
        """

        def load_one(numbered: Tuple[int, object]) -> Loaded:
            return self.load(numbered[1], numbered[0])

        numbered = enumerate(images)
        loaded = map_ahead(load_one, numbered, READERS) if ahead else map(load_one, numbered)
        count = batch_size or self.batch_size
        # The networks need not wait until a whole batch is read.
        batches = in_batches(loaded, count, first=FIRST_BATCH if ahead else count)
        batches = read_ahead(batches) if ahead else batches
        with contextlib.ExitStack() as stack:
            stack.callback(batches.close)
            cut = stack.enter_context(ThreadPoolExecutor(READERS)).map if ahead else map
            # While faces of one batch are cut out, those of the next one are found.
            begun: Deque[Begun] = deque()
            while True:
                with self.clock.measure('reading'):
                    batch = next(batches, None)
                if batch is not None:
                    begun.append(self._begin(batch, cut))
                while len(begun) > (batch is not None and ahead):
                    yield from self._finish(*begun.popleft())
                if batch is None:
                    return

    def load(self, image: object, number: int) -> Loaded:
        """Decode an image and prepare it for the detector; see `stream`."""
        return self._pipeline.prepare(load(image, number, self._pipeline.enough))

    def _begin(self, batch: Sequence[Loaded], cut: Callable) -> Begun:
        """Find the faces, and have ``cut``, a kind of `map`, begin to cut them out."""
        readable = [image for image in batch if image.pixels is not None]
        found = self._pipeline.find(readable) if readable else []
        return batch, found, cut(self._pipeline.crops, readable, found)

    def _finish(self, batch: Sequence[Loaded], found: Sequence[Found],
                crops: Iterable[List[np.ndarray]]) -> Iterator[Tuple[Loaded, ImageResult]]:
        """Classify the faces that were found, and hand on the images with their results."""
        with self.clock.measure('cropping'):
            crops = list(crops)
        faces = iter(self._pipeline.name(found, crops))
        results = [_result(image, next(faces)) if image.pixels is not None else
                   ImageResult(image.name, f'unreadable: {image.problem}') for image in batch]
        yield from zip(batch, results)

    def classify_whole(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Probabilities (N, K) of uint8 (H, W, 3) BGR images, each taken for one face."""
        return self._pipeline.classify(images)

    def visualize(self, image: object, result: ImageResult, top: int = 3) -> np.ndarray:
        """Draw boxes and the most probable expressions.

        Args:
            image: The image, in any form that can be given to the inferencer.
            result: What was found in it.
            top: How many expressions to name per face.

        Returns:
            uint8 (H, W, 3) BGR, a new array. One too small for words, with edges below 192 pixels,
            is enlarged by a whole number.

        Raises:
            UserError: The image cannot be read.
        """
        loaded = load(image, 0)
        if loaded.pixels is None:
            raise UserError(loaded.problem)
        return draw_result(legible(loaded.pixels), result, top)

    @property
    def explains(self) -> bool:
        """Whether the model can be asked for a map: those on torch can, exported ones cannot."""
        return hasattr(self._pipeline.classifier, 'explain')

    def crop(self, image: Loaded, face: FaceResult, size: Optional[int] = None) -> np.ndarray:
        """The square about a face, as the classifier sees it: uint8 (size, size, 3) BGR. With
        ``'whole'``, the image resized to that.

        Args:
            image: As `stream` gives it, together with the face.
            face: What was found in it.
            size: Edge in pixels. None: the one that the classifier gets.
        """
        return self._pipeline.crop(image, face.box, size)

    def explain(self, crops: Sequence[np.ndarray], labels: Sequence[str]) -> np.ndarray:
        """Where in faces the model finds what speaks for a class.

        Args:
            crops: Made by :meth:`crop`.
            labels: A class per crop, such as ``face.label``.

        Returns:
            float32 (N, h, w) in [0, 1], coarse; see ``ssfer_mm/inference/explain.py``.

        Raises:
            UserError: The model has no gradients, or its features no places.
        """
        if not self.explains:
            raise UserError('an exported model has no gradients, from which maps are made: use the '
                            'checkpoint that it was exported from')
        return self._pipeline.classifier.explain(crops, labels)

    def describe(self) -> dict:
        """Model, detector and settings, JSON-able; as in cards, without folders of this machine."""
        model = dict(name=self.name, file=published_path(str(self._model.path)),
                     sha256=sha256_once(self._model.path)) if self._model else {}
        return dict(model=dict(model, classes=list(self.classes)),
                    detector=self._pipeline.detector.describe(), margin=self._pipeline.margin,
                    flip=self._pipeline.flip)


def list_inputs(images: object) -> List[object]:
    """One image, or several, or folders of them, as a flat list of single images."""
    if isinstance(images, np.ndarray) and images.ndim == 4:
        images = list(images)
    images = list(images) if isinstance(images, (list, tuple, Iterator)) else [images]
    listed: List[object] = []
    for image in images:
        if not isinstance(image, (str, os.PathLike)):
            listed.append(image)
            continue
        path = os.fspath(image)
        if osp.isfile(osp.expanduser(path)) and not path.lower().endswith(VIDEO_SUFFIXES):
            # Whatever its name is; what cannot be decoded is reported as unreadable.
            listed.append(Photo(osp.expanduser(path), path, osp.basename(path)))
            continue
        source = find_source([path], several=len(images) > 1)
        if isinstance(source, (Video, Webcam)):
            raise UserError(f'{path} is not an image: use ssfer_mm.inference.predict_video, as '
                            'docs/predict.md shows')
        listed += source
    return listed


def _result(image: Loaded, faces: tuple) -> ImageResult:
    return ImageResult(image.name, OK if faces else NO_FACE, faces, image.size, image.frame,
                       image.time)
