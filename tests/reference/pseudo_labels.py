"""Pseudo-labels, their loss and their figures, one image at a time."""
import math


def pseudo_labels(probabilities, threshold):
    """[(class, accepted)] of a list of rows."""
    result = []
    for row in probabilities:
        best = max(range(len(row)), key=lambda k: row[k])
        result.append((best, row[best] >= threshold))
    return result


def unlabeled_loss(strong_logits, judged):
    """1/N sum_i mask_i CE(strong_i, pseudo_i) of plain numbers; rejected images are zeros."""
    total = 0.
    for row, (label, accepted) in zip(strong_logits, judged):
        if accepted:
            total += math.log(sum(math.exp(value) for value in row)) - row[label]
    return total / len(strong_logits)


def figures(labels, accepted, truth, classes):
    """Coverage and precision, and both and the share per class, counted one by one."""
    result = dict(coverage=sum(map(int, accepted)) / len(labels) if len(labels) else 0.)
    known = [(p, t) for p, a, t in zip(labels, accepted, truth) if a and t >= 0]
    if known:
        result['precision'] = sum(p == t for p, t in known) / len(known)
    chosen = [p for p, a in zip(labels, accepted) if a]
    for index, name in enumerate(classes):
        result[f'share/{name}'] = chosen.count(index) / len(chosen) if chosen else 0.
        own = [(p, t) for p, t in known if p == index]
        if own:
            result[f'precision/{name}'] = sum(p == t for p, t in own) / len(own)
        shown = [a for a, t in zip(accepted, truth) if t == index]
        if shown:
            result[f'coverage/{name}'] = sum(map(int, shown)) / len(shown)
    return result
