"""Does the map of ``ssfer demo`` show what counts? Cover its brightest quarter and see.

    python benchmarks/evidence_map.py MODEL FOLDER [--images 300]

FOLDER holds face crops. In each the brightest quarter of the map's cells is painted over with the
crop's mean color; then, for comparison, as many cells at random, and as many of the darkest. The
faster the probability of the predicted class falls, compared with random cells, the better the map.
"""
import argparse
import random
from pathlib import Path

import cv2
import numpy as np

from ssfer_mm.inference import FERInferencer
from ssfer_mm.inference.sources import Photo, find_source

BATCH = 50


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('model')
    parser.add_argument('folder', type=Path)
    parser.add_argument('--images', type=int, default=300)
    args = parser.parse_args()
    inferencer = FERInferencer(args.model, 'whole', batch_size=BATCH)
    size = inferencer._pipeline.classifier.input_size[::-1]
    crops = [cv2.resize(cv2.imread(photo.path), size)
             for photo in some_photos(args.folder, args.images)]
    faces = [result.faces[0] for result in inferencer(crops)]
    labels = [face.label for face in faces]
    maps = np.concatenate([inferencer.explain(crops[k:k + BATCH], labels[k:k + BATCH])
                           for k in range(0, len(crops), BATCH)])
    print(f'{len(crops)} faces, maps of {maps.shape[1]} x {maps.shape[2]}')
    print(f'nothing covered      {mean_probability(faces, labels):.3f}')
    noise = np.random.default_rng(0).random(maps.shape)
    for name, order in (('brightest', -maps), ('random', noise), ('darkest', maps)):
        covered = [cover(crop, cells) for crop, cells in zip(crops, order)]
        found = [result.faces[0] for result in inferencer(covered)]
        print(f'{name:9} quarter    {mean_probability(found, labels):.3f}')


def some_photos(folder: Path, count: int) -> list[Photo]:
    """So many photos of a folder, always the same."""
    photos = sorted(find_source([str(folder)]), key=lambda photo: photo.path)
    return random.Random(0).sample(photos, min(count, len(photos)))


def cover(crop: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The crop without the quarter of its cells that come first.

    Args:
        crop: uint8 (H, W, 3).
        order: (h, w), least first.
    """
    hidden = np.zeros(order.size, np.uint8)
    hidden[np.argsort(order.ravel(), kind='stable')[:order.size // 4]] = 1
    mask = cv2.resize(hidden.reshape(order.shape), crop.shape[1::-1],
                      interpolation=cv2.INTER_NEAREST)
    return np.where(mask[..., None] == 1, crop.mean((0, 1)).astype(np.uint8), crop)


def mean_probability(faces: list, labels: list[str]) -> float:
    """Of the classes that were predicted at first."""
    return float(np.mean([face.probabilities[label] for face, label in zip(faces, labels)]))


if __name__ == '__main__':
    main()
