"""What predictions, of expressions and of faces, are worth."""
from .expression_accuracy import ExpressionAccuracy, class_accuracies, confusion_matrix
from .plain_figure import plain_figure

__all__ = ['ExpressionAccuracy', 'class_accuracies', 'confusion_matrix', 'plain_figure']
