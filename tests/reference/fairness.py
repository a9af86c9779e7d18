"""FreeMatch's fairness loss, number by number."""
import math

from .pseudo_labels import column_means, decays, moving_average
from .rejected import softmax


def one_hot(row):
    return [float(k == row.index(max(row))) for k in range(len(row))]


def normalized(row):
    return [value / sum(row) for value in row]


def self_adaptive_fairness(batches, weight, momentum, warmup):
    """The loss of each batch of (strong logits, weights, weak probabilities)."""
    k = len(batches[0][0][0])
    mean, votes, losses = [1 / k] * k, [1 / k] * k, []
    for (logits, weights, weak), decay in zip(batches, decays(len(batches), momentum, warmup)):
        mean = moving_average(mean, column_means(weak), decay)
        votes = moving_average(votes, column_means([one_hot(row) for row in weak]), decay)
        strong = [softmax(row) for row in logits]
        now = [sum(w * q[c] for w, q in zip(weights, strong)) for c in range(k)]
        said = [sum(w * one_hot(q)[c] for w, q in zip(weights, strong)) for c in range(k)]
        named = [c for c in range(k) if said[c] >= 0.5]
        a = normalized([mean[c] / votes[c] for c in named]) if named else []
        b = normalized([now[c] / said[c] for c in named]) if named else []
        losses.append(weight * sum(x * math.log(y) for x, y in zip(a, b)))
    return losses
