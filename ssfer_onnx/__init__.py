"""Use an exported classifier with nothing but numpy, opencv and onnxruntime.

A package of its own because importing ``ssfer_mm`` needs torch and OpenMMLab, which a machine that
only predicts should not have to install.
"""
from .classifier import OnnxClassifier, OnnxModelError

__all__ = ['OnnxClassifier', 'OnnxModelError']
