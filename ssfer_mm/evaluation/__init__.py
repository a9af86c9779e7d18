"""What predictions, of expressions and of faces, are worth."""
from .expression_accuracy import ExpressionAccuracy, class_accuracies, confusion_matrix

__all__ = ['ExpressionAccuracy', 'class_accuracies', 'confusion_matrix']
