"""What can be said of a face that nobody can name: what it does not show."""
import torch
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from ssfer_mm.ranges import check_number


@MODELS.register_module()
class NegativeLearning(nn.Module):
    r"""Push down the classes that a rejected image surely does not show.

    .. math::
        L = \frac{\lambda}{N} \sum_i (1 - m_i) \frac{1}{|C_i|} \sum_{k \in C_i} -\log(1 - q_{ik}),
        \qquad C_i = \{k : p_{ik} \le \kappa\}

    with the teacher's probabilities ``p`` of the weak view, the student's ``q`` of the strong one,
    and the weights ``m`` of the pseudo-labels: negative pseudo-labels of UPS (Rizve et al.,
    arXiv 2101.06329), for the images that have no positive one.

    Args:
        threshold: kappa, in (0, 1).
        weight: lambda, >= 0.

    Raises:
        UserError: An argument is out of range.
    """

    def __init__(self, threshold: float = 0.05, weight: float = 1.0) -> None:
        super().__init__()
        check_number('NegativeLearning', 'threshold', threshold, high=1, positive=True, below=True)
        check_number('NegativeLearning', 'weight', weight)
        self.threshold, self.weight = threshold, weight

    def forward(self, logits: Tensor, probabilities: Tensor, rejected: Tensor) -> Tensor:
        """Return the scalar loss.

        Args:
            logits: (N, K), the student's, of the strong views.
            probabilities: (N, K), the teacher's, of the weak views.
            rejected: (N,), 1 - m.
        """
        absent = (probabilities <= self.threshold).to(probabilities)
        losses = -_log_of_the_others(logits.float())
        losses = (absent * losses).sum(dim=1) / absent.sum(dim=1).clamp(min=1)
        return self.weight * (rejected * losses).mean()


def _log_of_the_others(logits: Tensor) -> Tensor:
    """log(1 - softmax) of logits (N, K), exact also where the softmax is 1."""
    itself = torch.eye(logits.size(1), dtype=torch.bool, device=logits.device)
    others = logits[:, None, :].masked_fill(itself, float('-inf')).logsumexp(dim=2)
    return others - logits.logsumexp(dim=1, keepdim=True)
