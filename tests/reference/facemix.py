"""FaceMix, one image at a time, with the paper's sum over pairs."""
import math


def softmax_cross_entropy(logits, target):
    """-sum_k target_k log softmax(logits)_k, of two lists of tensors or numbers."""
    top = max(float(value.detach()) for value in logits)
    total = sum((value - top).exp() for value in logits)
    return -sum(t * (value - top - total.log()) for t, value in zip(target, logits))


def smooth(target, share):
    return [(1 - share) * value + share / len(target) for value in target]


def blend(a, b, lam):
    return [lam * x + (1 - lam) * y for x, y in zip(a, b)]


def overlap(a, b):
    """IoU of two boxes of plain numbers."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    area_a, area_b = ((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return both / (area_a + area_b - both)


def face_or_fallback(box, size, extent, fixed=(25, 25, 220, 220)):
    """The box that counts, and whether it is the fallback, in a square view."""
    if any(math.isnan(value) for value in box):
        return [value * size / 224 for value in fixed], True
    if extent == 'visible':
        box = [min(max(value, 0), size) for value in box]
        if box[2] <= box[0] or box[3] <= box[1]:
            return [value * size / 224 for value in fixed], True
    return list(box), False


def pair_overlaps(boxes, size, extent='visible', missing='fixed'):
    """IoU_i of image i with image B-1-i, boxes as lists of four numbers (NaN: no face)."""
    result = []
    for i in range(len(boxes)):
        j = len(boxes) - 1 - i
        a, lost_a = face_or_fallback(boxes[i], size, extent)
        b, lost_b = face_or_fallback(boxes[j], size, extent)
        nothing = missing == 'no_overlap' and (lost_a or lost_b) and i != j
        result.append(0. if nothing else overlap(a, b))
    return result


def facemix_loss(logits_of, images, targets, overlaps, lam, smoothing):
    """1/B sum_i [CE(x~_i, y~_i) + (1 - IoU_i) (CE(x_i, y_i) + CE(x_j, y_j))].

    ``logits_of`` maps one image to its logits; ``targets`` are lists of one-hot numbers.
    """
    batch, total = len(images), 0
    for i in range(batch):
        j = batch - 1 - i
        mixed = lam * images[i] + (1 - lam) * images[j]
        target = blend(smooth(targets[i], smoothing), smooth(targets[j], smoothing), lam)
        total = total + softmax_cross_entropy(logits_of(mixed), target)
        real = softmax_cross_entropy(logits_of(images[i]), targets[i]) + softmax_cross_entropy(
            logits_of(images[j]), targets[j])
        total = total + (1 - overlaps[i]) * real
    return total / batch
