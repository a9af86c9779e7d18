"""k-means and the purity of clusters, one image at a time."""


def distance(a, b):
    return sum((x - y)**2 for x, y in zip(a, b))


def closest(point, centers):
    return min(range(len(centers)), key=lambda j: distance(point, centers[j]))


def unit(row):
    length = sum(value**2 for value in row)**0.5
    return [value / length for value in row]


def kmeans(points, race, iterations):
    """Centers; ``race`` are the exponential draws (clusters, points) of k-means++."""
    centers = []
    for pace in race:
        far = [min((distance(point, c) for c in centers), default=1.) for point in points]
        centers.append(points[max(range(len(points)), key=lambda i: far[i] / pace[i])])
    for _ in range(iterations):
        members = [[p for p in points if closest(p, centers) == j] for j in range(len(centers))]
        centers = [[sum(column) / len(own) for column in zip(*own)] if own else old
                   for own, old in zip(members, centers)]
    return centers


def shares(points, classes, centers):
    """Mean class shares of each cluster's members; zeros where it has none."""
    result = []
    for j in range(len(centers)):
        own = [y for point, y in zip(points, classes) if closest(point, centers) == j]
        result.append([sum(column) / len(own) for column in zip(*own)] if own
                      else [0.] * len(classes[0]))
    return result


def purity(batches, races, size, refit_every, iterations, wanted, threshold):
    """[accepted] of batches of (rows, features, truths, labeled features), in plain lists.

    The bank is a list of which the first place is overwritten after the last one.
    """
    bank, seen, accepted, centers = [None] * size, 0, [], None
    for rows, features, truths, labeled in batches:
        fits_before = seen // refit_every if seen >= size else -1
        for feature, classes in zip(features + labeled, rows + truths):
            bank[seen % size] = (unit(feature), classes)
            seen += 1
        if seen >= size and seen // refit_every != fits_before:
            points, classes = zip(*bank)
            centers = kmeans(points, races, iterations)
            pure = shares(points, classes, centers)
        for row, feature in zip(rows, features):
            if centers is None:
                accepted.append(max(row) >= threshold)
            else:
                own = pure[closest(unit(feature), centers)]
                accepted.append(max(own) >= wanted
                                and own.index(max(own)) == row.index(max(row)))
    return accepted
