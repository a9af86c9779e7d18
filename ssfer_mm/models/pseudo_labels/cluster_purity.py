"""Believe the teacher where faces that look alike to it are said to show the same."""
from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather
from mmpretrain.registry import MODELS
from torch import Tensor

from ssfer_mm.errors import UserError
from ssfer_mm.joint_batch import gathered_places
from ssfer_mm.ranges import check_number

from ..kmeans import kmeans, nearest
from .rule import LabeledPredictions, PseudoLabelRule, PseudoLabels


@MODELS.register_module()
class ClusterPurity(PseudoLabelRule):
    r"""Accept the images of pure clusters, where the teacher says what the cluster says.

    .. math::
        s_j(c) = \frac{1}{|C_j|} \sum_{i \in C_j} y_i(c), \qquad
        m_i = [\max_c s_j(c) \ge \rho] \, [\arg\max_c s_j(c) = \arg\max_c p_i(c)], \quad i \in C_j

    ``y_i`` is the label of a labeled image and the teacher's probabilities ``p_i`` of an
    unlabeled one; ``C_j`` are the clusters of the teacher's features, of unit length. The idea is
    that of cluster purity (CluP) in semi-supervised expression recognition. We did not have the
    paper: this is the idea in its plain form, in no detail claimed to be the authors'.

    Clusters are those of a bank of the last images, labeled ones too, fitted anew by k-means every
    so often: no pass over all data, and the features are about as old as the teacher is slow.
    Before the bank is full this is ``ConfidenceThreshold``.

    A cluster does not overrule the teacher. Both look at the same features, so where they differ
    one of them is wrong, and a rejected image does less harm than a wrong label. Against a
    threshold, unsure images among their like are won, and sure ones among others are lost.

    Args:
        purity: rho, in (0, 1].
        threshold: tau before the bank is full, in (0, 1].
        clusters: How many, >= 1; several per class, for a class looks more than one way.
        bank: M, the number of images in the bank, >= clusters and at least the images of a batch
            in all processes.
        refit_every: Images, labeled and unlabeled, between two fits, >= 1.
        iterations: Lloyd steps of a fit, >= 1.
        seed: Of the fits, >= 0.

    Raises:
        UserError: An argument is out of range, or the bank is smaller than a batch.
    """
    sees_labeled = True
    sees_features = True

    def __init__(self, purity: float = 0.7, threshold: float = 0.7, clusters: int = 32,
                 bank: int = 4096, refit_every: int = 1024, iterations: int = 10,
                 seed: int = 0) -> None:
        super().__init__()
        for name, share in dict(purity=purity, threshold=threshold).items():
            check_number('ClusterPurity', name, share, high=1, positive=True)
        for name, count in dict(clusters=clusters, refit_every=refit_every,
                                iterations=iterations, bank=bank).items():
            check_number('ClusterPurity', name, count, low=1, whole=True)
        check_number('ClusterPurity', 'seed', seed, whole=True)
        if bank < clusters:
            raise UserError(f'ClusterPurity: bank must hold at least one image per cluster, got '
                            f'{bank} for {clusters} clusters')
        self.purity, self.threshold, self.clusters = purity, threshold, clusters
        self.size, self.refit_every = bank, refit_every
        self.iterations, self.seed = iterations, seed

    def set_classes(self, num_classes: int) -> None:
        """Start with clusters that are pure in nothing."""
        self.register_buffer('shares', torch.zeros(self.clusters, num_classes))
        self.register_buffer('seen', torch.zeros((), dtype=torch.long))

    def set_features(self, size: int) -> None:
        """Start with an empty bank; a row is a unit feature (D,) and class shares (K,)."""
        self.register_buffer('centers', torch.zeros(self.clusters, size))
        self.register_buffer('bank', torch.zeros(self.size, size + self.shares.size(1)))

    def forward(self, probabilities: Tensor, labeled: Optional[LabeledPredictions] = None,
                features: Optional[Tensor] = None) -> PseudoLabels:
        """Judge the teacher's probabilities (N, K) of weak views with features (N, D)."""
        features = F.normalize(features.float(), dim=1)
        before, after = self._keep(torch.cat([
            _gathered(features, probabilities),
            _gathered(F.normalize(labeled.features.float(), dim=1), labeled.targets)]))
        confidence, labels = probabilities.max(dim=1)
        accepted = confidence >= self.threshold
        if after >= self.size:
            # Mixed precision would multiply these matrices with two digits.
            with torch.autocast(features.device.type, enabled=False):
                if before < self.size or before // self.refit_every != after // self.refit_every:
                    self.fit()
                purity, said = self.shares[nearest(features, self.centers)].max(dim=1)
            accepted = (purity >= self.purity) & (said == labels)
        return PseudoLabels(labels, accepted.to(probabilities), confidence, probabilities)

    @torch.no_grad()
    def fit(self) -> None:
        """Cluster the bank, and see what its clusters show."""
        size = self.centers.size(1)
        features, classes = self.bank[:, :size], self.bank[:, size:]
        self.centers.copy_(kmeans(features, self.clusters, self.iterations, self.seed))
        member = F.one_hot(nearest(features, self.centers), self.clusters).to(features)
        self.shares.copy_(member.T @ classes / member.sum(dim=0).clamp(min=1)[:, None])

    @torch.no_grad()
    def _keep(self, rows: Tensor) -> Tuple[int, int]:
        """Replace the oldest rows of the bank -> number of images seen before, and after."""
        if len(rows) > self.size:
            raise UserError(f'ClusterPurity: a batch has {len(rows)} images in all processes, more '
                            f'than the bank of {self.size}: set model.pseudo_label.bank higher')
        # The one number per step that a GPU has to hand over: whether to fit hangs on it.
        before = int(self.seen)
        place = torch.arange(before, before + len(rows), device=rows.device) % self.size
        self.bank.index_copy_(0, place, rows)
        self.seen += len(rows)
        return before, before + len(rows)


@torch.no_grad()
def _gathered(features: Tensor, classes: Tensor) -> Tensor:
    """Rows (N * processes, D + K), in the order in which one process would have them."""
    rows = torch.cat([features.detach(), classes.detach().float()], dim=1)
    shares = all_gather(rows)
    everyones = torch.cat(shares)
    # A process has both ends of FaceMix's pairs. k-means, which starts from rows of the bank,
    # would come to other clusters if each process's rows lay together.
    places = torch.tensor(gathered_places(len(rows), len(shares)), device=rows.device)
    return torch.empty_like(everyones).index_copy_(0, places, everyones)
