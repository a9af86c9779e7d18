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
    """Coverage and precision, and both and the share per class, counted one by one.

    ``accepted`` are booleans or weights.
    """
    weights = [float(a) for a in accepted]
    result = dict(coverage=sum(weights) / len(labels) if len(labels) else 0.)
    known = [(p, w, t) for p, w, t in zip(labels, weights, truth) if w and t >= 0]
    if known:
        result['precision'] = share([w for _, w, _ in known], [p == t for p, _, t in known])
    for index, name in enumerate(classes):
        result[f'share/{name}'] = share(weights, [p == index for p in labels])
        own = [(w, t) for p, w, t in known if p == index]
        if own:
            result[f'precision/{name}'] = share([w for w, _ in own], [t == index for _, t in own])
        shown = [w for w, t in zip(weights, truth) if t == index]
        if shown:
            result[f'coverage/{name}'] = sum(shown) / len(shown)
    return result


def share(weights, chosen):
    """Weight of the chosen ones among all; 0 of nothing."""
    return sum(w for w, c in zip(weights, chosen) if c) / (sum(weights) or 1)


def moving_average(before, now, decay):
    """``decay * before + (1 - decay) * now``, number by number."""
    return [decay * old + (1 - decay) * new for old, new in zip(before, now)]


def column_means(rows):
    return [sum(column) / len(rows) for column in zip(*rows)]


def decays(batches, momentum, warmup):
    """The decay of each batch's step."""
    return [min(momentum, (1 + t) / (10 + t)) if warmup else momentum for t in range(batches)]


def freematch(batches, momentum, warmup, power=1, bounds=(0, 1)):
    """[(class, accepted)] of each batch, and the last thresholds."""
    k = len(batches[0][0])
    overall, classes, result = [1 / k], [1 / k] * k, []
    for rows, decay in zip(batches, decays(len(batches), momentum, warmup)):
        overall = moving_average(overall, [sum(map(max, rows)) / len(rows)], decay)
        classes = moving_average(classes, column_means(rows), decay)
        thresholds = [min(max((c / max(classes))**power * overall[0], bounds[0]), bounds[1])
                      for c in classes]
        result.append([(label, max(row) >= thresholds[label])
                       for row in rows for label in [row.index(max(row))]])
    return result, thresholds


def aligned(batches, target, momentum, warmup, strength=1):
    """The corrected rows of each batch."""
    k = len(target)
    mean, result = [1 / k] * k, []
    for rows, decay in zip(batches, decays(len(batches), momentum, warmup)):
        mean = moving_average(mean, column_means(rows), decay)
        corrected = []
        for row in rows:
            new = [p * (q / m)**strength for p, q, m in zip(row, target, mean)]
            corrected.append([value / sum(new) for value in new])
        result.append(corrected)
    return result


def softmatch(batches, momentum, warmup, width=1):
    """The weight of each image, batch after batch."""
    mean, variance, result = 1 / len(batches[0][0]), 1., []
    for rows, decay in zip(batches, decays(len(batches), momentum, warmup)):
        sure = [max(row) for row in rows]
        now = sum(sure) / len(sure)
        spread = sum((value - now)**2 for value in sure) / (len(sure) - 1)
        mean, variance = moving_average([mean, variance], [now, spread], decay)
        result += [1. if value >= mean else
                   math.exp(-(value - mean)**2 / (2 * width**2 * variance)) for value in sure]
    return result


def flexmatch(batches, threshold, momentum, warmup, lowest=0):
    """[(class, accepted)] of each batch, and the last thresholds."""
    shares, result = [0.] * len(batches[0][0]), []
    for rows, decay in zip(batches, decays(len(batches), momentum, warmup)):
        said = [[float(row.index(max(row)) == c and max(row) >= threshold)
                 for c in range(len(row))] for row in rows]
        shares = moving_average(shares, column_means(said), decay)
        learned = [s / max(max(shares), 1 - sum(shares)) for s in shares]
        thresholds = [max(threshold * b / (2 - b), lowest) for b in learned]
        result.append([(label, max(row) >= thresholds[label])
                       for row in rows for label in [row.index(max(row))]])
    return result, thresholds


def labeled_margin(labeled, scale, threshold, momentum):
    """The threshold of each class after batches of (rows, truths) of labeled images."""
    k = len(labeled[0][0][0])
    sums, counts = [0.] * k, [0.] * k
    for rows, truths in labeled:
        now, met = [0.] * k, [0.] * k
        for row, truth in zip(rows, truths):
            if row.index(max(row)) == truth:
                now[truth] += max(row) / len(rows)
                met[truth] += 1 / len(rows)
        sums, counts = (moving_average(old, new, momentum)
                        for old, new in ((sums, now), (counts, met)))
    return [scale * s / c if c else threshold for s, c in zip(sums, counts)]
