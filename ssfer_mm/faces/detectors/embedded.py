"""The face detector that comes with the package: nothing to download."""
from pathlib import Path
from typing import Dict, Optional, Tuple, Union

from mmpretrain.registry import TASK_UTILS
from torch import Tensor

from ssfer_mm.component_types import check_types
from ssfer_mm.errors import UserError
from ssfer_mm.files.fingerprint import sha256_of
from ssfer_mm.safe_loading import read_safetensors

from .base import check_detector
from .mmdet_model import (
    build_model,
    import_mmdet,
    keep_boxes_whole,
    load_weights,
    prepare_to_predict,
    set_thresholds,
)
from .network import LetterboxInput, MMDetNetwork

MOST_FACES = 1000  # in one image
WEIGHTS = Path(__file__).resolve().parent.parent / 'weights' / 'face_detector.safetensors'


@TASK_UTILS.register_module()
class EmbeddedFaceDetector(MMDetNetwork):
    """A small mmdet single-stage detector with one class.

    The weights file describes itself: its metadata holds, as JSON, the mmdet model config
    (``config``), the side of the square it was trained for (``input_size``) and a summary of its
    training (``training``).

    Args:
        score_threshold: Faces below are dropped; in [0, 1].
        nms_iou: Of two faces that overlap by more, the worse is dropped; in [0, 1].
        input_size: Side in pixels of the square into which images are fitted. None: the one that
            the weights were trained for. More finds smaller faces and takes longer.
        batch_size: Images per forward pass.
        device: Where to run.
        weights: Another file of this kind.

    Raises:
        UserError: The file is missing or is not of this kind, or mmdet is not installed.
    """

    def __init__(self,
                 score_threshold: float = 0.5,
                 nms_iou: float = 0.5,
                 input_size: Optional[int] = None,
                 batch_size: int = 16,
                 device: str = 'cpu',
                 weights: Union[str, Path, None] = None) -> None:
        self.file = Path(weights).expanduser() if weights else WEIGHTS
        metadata, tensors = read_weights(self.file)
        input_size = input_size or int(metadata['input_size'])
        check_detector('EmbeddedFaceDetector', score_threshold, nms_iou, batch_size, input_size)
        import_mmdet()
        check_types(metadata['config'])
        # As many faces and as low scores as its ONNX export gives, not those of an evaluation.
        metadata['config']['test_cfg'].update(score_thr=0., max_per_img=MOST_FACES)
        model = build_model(set_thresholds(metadata['config'], score_threshold, nms_iou),
                            str(self.file))
        load_weights(model, tensors, str(self.file))
        keep_boxes_whole(model)
        super().__init__('embedded', prepare_to_predict(model), LetterboxInput(input_size), 0,
                         score_threshold, batch_size, device)
        self.input_size, self.nms_iou = input_size, nms_iou
        self.training = metadata.get('training')
        self.sha256 = sha256_of(self.file)


def read_weights(path: Path) -> Tuple[dict, Dict[str, Tensor]]:
    """Read a self-describing weights file.

    Args:
        path: A safetensors file; half-precision tensors are widened.

    Returns:
        The metadata, each value parsed from JSON where it is JSON, with at least ``config`` and
        ``input_size``; and parameter name -> tensor.

    Raises:
        UserError: The file is missing, damaged or does not describe itself.
    """
    if not path.is_file():
        advice = ('install the package again' if path == WEIGHTS else 'check the path')
        raise UserError(f'face detector weights {path} not found; {advice}')
    tensors, metadata = read_safetensors(path)
    if not isinstance(metadata.get('config'), dict) or not str(
            metadata.get('input_size', '')).isdigit():
        raise UserError(f"{path} does not describe itself: expected the metadata 'config' (an "
                        "mmdet model config as JSON) and 'input_size'; give a file made for "
                        'EmbeddedFaceDetector')
    return metadata, {name: value.float() if value.is_floating_point() else value
                      for name, value in tensors.items()}
