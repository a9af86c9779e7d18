"""Use an exported classifier and face detector with nothing but numpy, opencv and onnxruntime.

A package of its own because importing ``ssfer_mm`` needs torch and OpenMMLab, which a machine that
only predicts should not have to install.
"""
from .classifier import OnnxClassifier, OnnxModelError
from .detector import OnnxFaceDetector, OnnxFaces

__all__ = ['OnnxClassifier', 'OnnxFaceDetector', 'OnnxFaces', 'OnnxModelError']
