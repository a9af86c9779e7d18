"""OpenCV's own face detector, on a weights file that the user has."""
from pathlib import Path
from typing import List, Sequence, Union

import cv2
import numpy as np
from mmpretrain.registry import TASK_UTILS

from ssfer_mm.errors import UserError
from ssfer_mm.files.fingerprint import sha256_of

from .base import FaceDetector, Faces, best_first, check_detector, check_images
from .letterbox import resize_longer_side

WHERE = ('face_detection_yunet_2023mar.onnx of the OpenCV model zoo '
         '(github.com/opencv/opencv_zoo, models/face_detection_yunet)')


@TASK_UTILS.register_module()
class YuNetFaceDetector(FaceDetector):
    """``cv2.FaceDetectorYN``: small, fast on a CPU, needs neither mmdet nor a GPU.

    Args:
        model: The ONNX file of YuNet. OpenCV ships none.
        score_threshold: Faces below are dropped; in [0, 1].
        nms_iou: Of two faces that overlap by more, the worse is dropped; in [0, 1].
        input_size: Length in pixels to which the longer side of each image is resized. YuNet finds
            faces of about 10 to 300 pixels.

    Raises:
        UserError: The file is missing or is not a YuNet, or a setting is out of range.
    """
    name = 'yunet'

    def __init__(self,
                 model: Union[str, Path],
                 score_threshold: float = 0.6,
                 nms_iou: float = 0.3,
                 input_size: int = 320) -> None:
        check_detector('YuNetFaceDetector', score_threshold, nms_iou, input_size=input_size)
        self.file = Path(model).expanduser()
        if not self.file.is_file():
            raise UserError(f'YuNet weights {self.file} not found; expected an ONNX file. Get '
                            f'{WHERE} and give its path')
        self.score_threshold, self.nms_iou, self.input_size = score_threshold, nms_iou, input_size
        self.sha256 = sha256_of(self.file)
        try:
            self.network = cv2.FaceDetectorYN.create(
                *_model(self.file), (64, 64), score_threshold, nms_iou)
            # Only a run tells whether the outputs are those of a YuNet.
            self._run(np.zeros((64, 64, 3), np.uint8))
        except cv2.error as error:
            raise UserError(f'{self.file} is not a YuNet that OpenCV {cv2.__version__} can run '
                            f'({error.err or error.msg}); get {WHERE}') from error

    def detect(self, images: Sequence[np.ndarray]) -> List[Faces]:
        """See :class:`FaceDetector`. OpenCV takes one image at a time."""
        check_images(images)
        return [self._faces(image) for image in images]

    def _faces(self, image: np.ndarray) -> Faces:
        resized, (fx, fy) = resize_longer_side(image, self.input_size)
        found = self._run(resized)
        # x, y, w, h, ten numbers of landmarks, score
        corners = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:4]], axis=1)
        return best_first(corners / (fx, fy, fx, fy), found[:, 14], self.score_threshold)

    def _run(self, image: np.ndarray) -> np.ndarray:
        """Raw detections (N, 15) of one image."""
        self.network.setInputSize(image.shape[1::-1])
        found = self.network.detect(image)[1]
        return np.zeros((0, 15), np.float32) if found is None else found


def _model(file: Path) -> tuple:
    """What ``create`` takes before the size.

    That is the content where OpenCV takes it, as the newer ones do: on Windows it opens no name
    with other letters than those of the system.
    """
    if 'bufferModel' not in (cv2.FaceDetectorYN.create.__doc__ or ''):
        return str(file), ''
    return 'onnx', np.fromfile(file, np.uint8), np.zeros(0, np.uint8)
