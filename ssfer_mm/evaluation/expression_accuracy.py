"""Accuracy, and accuracy that rare expressions count in equally."""
from typing import Dict, List, Optional, Sequence, Union

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmpretrain.registry import METRICS


@METRICS.register_module()
class ExpressionAccuracy(BaseMetric):
    """Top-1 accuracy, mean class accuracy (unweighted mean of the recalls) and each recall, in %.

    Where predictions also carry a ``tta_score``, as those of an ``SSFER`` with ``flip_test`` do,
    ``accuracy_tta`` and ``mean_class_accuracy_tta`` are the same figures of that.

    Args:
        per_class: Also report ``recall/<class>``.
        confusion: Also report ``confusion``, the confusion matrix: a list of K rows of K counts,
            rows are true classes. Not a scalar: it reaches files, but no curve.
        collect_device: ``cpu`` or ``gpu``, for distributed evaluation.
        prefix: Prefix of the names of the figures.
    """

    default_prefix = None

    def __init__(self,
                 per_class: bool = True,
                 confusion: bool = False,
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.per_class = per_class
        self.confusion = confusion

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Keep (truth, prediction), and a second prediction if there is one, of each image."""
        truth = _stacked(data_samples, 'gt_label').flatten().tolist()
        columns = [_best(data_samples, 'pred_score') if 'pred_score' in data_samples[0] else
                   _stacked(data_samples, 'pred_label').flatten().tolist()]
        if 'tta_score' in data_samples[0]:
            columns.append(_best(data_samples, 'tta_score'))
        self.results += zip(truth, *columns)

    def compute_metrics(self, results: List[tuple]) -> Dict[str, Union[float, List]]:
        """Reduce all pairs to the figures."""
        truth, predicted, *second = np.array(results, dtype=int).T
        figures = class_accuracies(truth, predicted)
        classes = (self.dataset_meta or {}).get('classes')
        report = dict(accuracy=figures['accuracy'], mean_class_accuracy=figures['mean'])
        if self.per_class:
            for index, recall in figures['recall'].items():
                name = classes[index] if classes else str(index)
                report[f'recall/{name}'] = recall
        for other in second:
            figures = class_accuracies(truth, other)
            report.update(accuracy_tta=figures['accuracy'],
                          mean_class_accuracy_tta=figures['mean'])
        if self.confusion:
            count = len(classes) if classes else int(max(truth.max(), predicted.max())) + 1
            report['confusion'] = confusion_matrix(truth, predicted, count).tolist()
        return report


def _stacked(samples: Sequence[dict], key: str) -> torch.Tensor:
    """A field of all samples. Read one by one, each would make a GPU wait."""
    return torch.stack([torch.as_tensor(sample[key]) for sample in samples])


def _best(samples: Sequence[dict], key: str) -> List[int]:
    return _stacked(samples, key).argmax(dim=1).tolist()


def class_accuracies(truth: np.ndarray, predicted: np.ndarray) -> dict:
    """Accuracy, recall per class that occurs, and the mean of those recalls, in %.

    Args:
        truth: (N,) class indices.
        predicted: (N,) class indices.

    Example:
        >>> import numpy as np
        >>> class_accuracies(np.array([0, 0, 0, 1]), np.array([0, 0, 0, 0]))['mean']
        50.0
    """
    right = truth == predicted
    recall = {int(c): 100 * float(right[truth == c].mean()) for c in np.unique(truth)}
    mean = float(np.mean(list(recall.values())))
    return dict(accuracy=100 * float(right.mean()), recall=recall, mean=mean)


def confusion_matrix(truth: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts (K, K), int64: row is the true class, column the predicted one.

    Args:
        truth: (N,) class indices.
        predicted: (N,) class indices.
        num_classes: K.

    Example:
        >>> import numpy as np
        >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
        [[1, 1], [0, 1]]
    """
    pairs = np.asarray(truth, int) * num_classes + np.asarray(predicted, int)
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)
