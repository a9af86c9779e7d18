"""Accuracies by counting."""


def accuracies(truth, predicted):
    """(accuracy, mean class accuracy, {class: recall}), in %."""
    counts = {}
    for t, p in zip(truth, predicted):
        right, total = counts.get(t, (0, 0))
        counts[t] = (right + (t == p), total + 1)
    recall = {c: 100 * right / total for c, (right, total) in counts.items()}
    accuracy = 100 * sum(right for right, _ in counts.values()) / len(truth)
    return accuracy, sum(recall.values()) / len(recall), recall
