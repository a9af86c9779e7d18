"""Plain k-means, the same in every process that has the same points."""
import torch
import torch.nn.functional as F
from torch import Tensor


def nearest(points: Tensor, centers: Tensor) -> Tensor:
    """Index of the nearest center (C, D) of each point (N, D) -> (N,)."""
    # The squared distance, without the part that all centers share.
    return ((centers**2).sum(dim=1) - 2 * points @ centers.T).argmin(dim=1)


def spread_centers(points: Tensor, clusters: int, seed: int) -> Tensor:
    """Centers (C, D) to begin with: k-means++ (Arthur & Vassilvitskii, SODA 2007).

    Each next one is a point (of M, D), drawn in proportion to its squared distance from the
    nearest center so far. The draw is a race: the largest ``distance / e`` wins, with
    exponentially distributed ``e`` (clusters, M) of a generator of its own.
    """
    race = torch.empty(clusters, len(points)).exponential_(
        generator=torch.Generator().manual_seed(seed)).to(points)
    distance = torch.ones_like(points[:, 0])
    centers = []
    for index, pace in enumerate(race):
        centers.append(points[(distance / pace).argmax()])
        now = ((points - centers[-1])**2).sum(dim=1)
        distance = now if index == 0 else torch.minimum(distance, now)
    return torch.stack(centers)


def kmeans(points: Tensor, clusters: int, iterations: int, seed: int) -> Tensor:
    """Centers (C, D) of points (M, D), after so many steps of Lloyd's algorithm.

    A cluster that loses its last member keeps its center.
    """
    centers = spread_centers(points, clusters, seed)
    for _ in range(iterations):
        # Products of matrices, since sums by index are not reproducible on a GPU.
        member = F.one_hot(nearest(points, centers), clusters).to(points)
        count = member.sum(dim=0)[:, None]
        centers = torch.where(count > 0, member.T @ points / count.clamp(min=1), centers)
    return centers
