"""Losses on images without a pseudo-label, number by number."""
import math


def softmax(row):
    total = sum(math.exp(value) for value in row)
    return [math.exp(value) / total for value in row]


def negative_learning(logits, probabilities, rejected, threshold, weight):
    total = 0.
    for row, judged, share in zip(logits, probabilities, rejected):
        absent = [k for k, p in enumerate(judged) if p <= threshold]
        said = softmax(row)
        if absent:
            total += share * sum(-math.log(1 - said[k]) for k in absent) / len(absent)
    return weight * total / len(logits)


def consistency(logits, probabilities, rejected, weight):
    total = 0.
    for row, judged, share in zip(logits, probabilities, rejected):
        total += share * sum((p - q)**2 for p, q in zip(judged, softmax(row)))
    return weight * total / len(logits)
