"""A detector for tests: a face is a bright rectangle on a dark ground."""
import os
import time
from pathlib import Path

import cv2
import numpy as np
from mmpretrain.registry import TASK_UTILS

from ssfer_mm.faces.detectors import FaceDetector, Faces


@TASK_UTILS.register_module()
class BrightRectangles(FaceDetector):
    """Finds the extents of connected pixels brighter than half; the score is their brightness.

    Args:
        score_threshold: Drops darker ones.
        delay: Seconds that every batch takes.
        log: File that gets one line per image looked at, with the process's id.
    """
    name = 'bright'

    def __init__(self, score_threshold=0.5, delay=0., log=None):
        self.score_threshold, self.delay, self.log = score_threshold, delay, log

    def detect(self, images):
        time.sleep(self.delay)
        if self.log:
            with open(self.log, 'a') as file:
                file.writelines(f'{os.getpid()}\n' for _ in images)
        return [self._faces(image) for image in images]

    def _faces(self, image):
        grey = image.max(axis=2)
        count, labels = cv2.connectedComponents((grey > 127).astype(np.uint8))
        boxes, scores = [], []
        for k in range(1, count):
            rows, columns = np.nonzero(labels == k)
            boxes.append((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
            scores.append(grey[labels == k].mean() / 255)
        order = np.argsort(-np.array(scores), kind='stable')
        order = [k for k in order if scores[k] >= self.score_threshold]
        return Faces(np.array(boxes, np.float32).reshape(-1, 4)[order],
                     np.array(scores, np.float32)[order])

    def describe(self):
        return dict(detector=self.name, weights=None, weights_sha256=None,
                    score_threshold=self.score_threshold, nms_iou=None, input_size=None)


def bright_config(path, **settings):
    """Write a detector config for it, to be named on a command line."""
    Path(path).write_text(
        "custom_imports = dict(imports=['support.bright'], allow_failed_imports=False)\n"
        f"detector = dict(type='BrightRectangles', **{settings!r})\n")
    return str(path)


def picture(size, *boxes, bright=255):
    """uint8 (H, W, 3), dark, with bright rectangles; ``size`` is (width, height)."""
    image = np.full((size[1], size[0], 3), 20, np.uint8)
    for x1, y1, x2, y2 in boxes:
        image[y1:y2, x1:x2] = bright
    return image


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)
    return path
