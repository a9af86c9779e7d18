"""A folder of tiny "photographs" of painted faces, with a box file."""
import json
from pathlib import Path

import cv2
import numpy as np

SIDE = 40
BOX = (8., 4., 34., 39.)


def painted_face(seed: int = 0) -> np.ndarray:
    """Something with the shades of a face, uint8 (SIDE, SIDE, 3)."""
    noise = np.random.default_rng(seed)
    image = np.full((SIDE, SIDE, 3), noise.integers(30, 90), np.uint8)
    cv2.ellipse(image, (21, 21), (13, 17), 0, 0, 360, (170, 180, 200), -1)
    for x in (16, 26):
        cv2.circle(image, (x, 17), 2, (20, 20, 20), -1)
    cv2.line(image, (16, 30), (26, 30), (60, 60, 140), 2)
    return image


def write_cuts(folder: Path, count: int = 24) -> tuple[str, str]:
    """Write images and their box file; returns the folder of the images and the file."""
    images = folder / 'images'
    images.mkdir(parents=True)
    lines = []
    for k in range(count):
        name = f'person_{k:04d}.jpg'
        cv2.imwrite(str(images / name), painted_face(k))
        lines.append(json.dumps(dict(image=name, w=SIDE, h=SIDE, boxes=[[*BOX, .99]])))
    (folder / 'boxes.jsonl').write_text('\n'.join(lines) + '\n')
    return str(images), str(folder / 'boxes.jsonl')
