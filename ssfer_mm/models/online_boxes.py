"""Face boxes found in the augmented batch itself, as the paper does it."""
from typing import Union

import numpy as np
import torch
from torch import Tensor

from ssfer_mm.faces.detectors import build_detector


class OnlineBoxes:
    """Looks for the one face of each view of a batch.

    No ``nn.Module``, and neither is the detector: its weights must not be trained, synchronized
    between processes or saved with the model.

    Args:
        detector: What :func:`build_detector` takes.
        bgr: Whether views arrive as BGR (else RGB); detectors expect BGR.
    """

    def __init__(self, detector: Union[str, dict], bgr: bool = True) -> None:
        self.detector = build_detector(detector)
        self.bgr = bgr

    @torch.no_grad()
    def __call__(self, views: Tensor, device: torch.device) -> Tensor:
        """Detect.

        Args:
            views: uint8 (B, 3, H, W), augmented, not normalized.
            device: Where to run, and where the boxes are wanted.

        Returns:
            float32 (B, 4), xyxy in pixels of the views; NaN where not exactly one face is found.
        """
        images = (views if self.bgr else views.flip(1)).permute(0, 2, 3, 1).cpu().numpy()
        found = self.detector.to(device).detect([np.ascontiguousarray(image) for image in images])
        boxes = np.full((len(images), 4), np.nan, dtype=np.float32)
        for box, faces in zip(boxes, found):
            if len(faces) == 1:
                box[:] = faces.boxes[0]
        return torch.from_numpy(boxes).to(device)
