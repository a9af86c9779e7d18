"""Box geometry the slow and obvious way: loops, exact fractions, and looking at pixels."""
from fractions import Fraction

import numpy as np


def hull_of_corners(box, matrix):
    """Map the four corners one by one, then take the smallest and largest coordinates."""
    x1, y1, x2, y2 = (float(value) for value in box)
    points = []
    for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2)):
        px, py, depth = (sum(row[k] * (x, y, 1.)[k] for k in range(3)) for row in matrix.tolist())
        points.append((px / depth, py / depth))
    xs, ys = zip(*points)
    return min(xs), min(ys), max(xs), max(ys)


def exact_iou(a, b):
    """IoU of two boxes in exact arithmetic; 0 if neither has an area."""
    a, b = [Fraction(float(v)) for v in a], [Fraction(float(v)) for v in b]

    def overlap(low, high, other_low, other_high):
        return max(Fraction(0), min(high, other_high) - max(low, other_low))

    def area(box):
        return max(Fraction(0), box[2] - box[0]) * max(Fraction(0), box[3] - box[1])

    both = overlap(a[0], a[2], b[0], b[2]) * overlap(a[1], a[3], b[1], b[3])
    either = area(a) + area(b) - both
    return float(both / either) if either else 0.


def painted(height, width, box):
    """A black image with a white rectangle on the whole pixels (x1, y1, x2, y2)."""
    image = np.zeros((height, width, 3), np.uint8)
    x1, y1, x2, y2 = box
    image[y1:y2, x1:x2] = 255
    return image


def extents_of_white(image):
    """(x1, y1, x2, y2) of the pixels brighter than half, None if there are none."""
    bright = image[..., 0] > 127
    columns, rows = np.flatnonzero(bright.any(0)), np.flatnonzero(bright.any(1))
    if not len(columns):
        return None
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def centre_of_white(image):
    """(x, y) of the brightness' center of mass, in continuous coordinates."""
    weight = image[..., 0].astype(float)
    ys, xs = np.indices(weight.shape) + 0.5
    return (xs * weight).sum() / weight.sum(), (ys * weight).sum() / weight.sum()
