from .expression_accuracy import ExpressionAccuracy, class_accuracies

__all__ = ['ExpressionAccuracy', 'class_accuracies']
