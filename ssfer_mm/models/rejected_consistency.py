"""A use of the images that have no pseudo-label: both views should look alike."""
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ssfer_mm.ranges import check_number


@MODELS.register_module()
class RejectedConsistency(nn.Module):
    r"""The student should say of the strong view what the teacher says of the weak one.

    .. math:: L = \frac{\lambda}{N} \sum_i (1 - m_i) \sum_k (p_{ik} - q_{ik})^2

    with the teacher's probabilities ``p``, the student's ``q`` and the weights ``m`` of the
    pseudo-labels. Ada-CM (arXiv 2203.12341) uses the images below the margin too, by comparing
    features; probabilities need no second network output. The squared error is that of mean
    teachers (arXiv 1703.01780): unlike a cross-entropy it does not ask for certainty.

    Args:
        weight: lambda, >= 0.

    Raises:
        UserError: It is out of range.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        check_number('RejectedConsistency', 'weight', weight)
        self.weight = weight

    def forward(self, logits: Tensor, probabilities: Tensor, rejected: Tensor) -> Tensor:
        """Return the scalar loss.

        Args:
            logits: (N, K), the student's, of the strong views.
            probabilities: (N, K), the teacher's, of the weak views.
            rejected: (N,), 1 - m.
        """
        distance = (F.softmax(logits.float(), dim=1) - probabilities)**2
        return self.weight * (rejected * distance.sum(dim=1)).mean()
