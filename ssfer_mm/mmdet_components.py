"""Importing this module gives configs mmdet's components: list it in ``custom_imports``.

A config keeps ``default_scope = 'mmpretrain'`` and writes ``_scope_='mmdet'`` into its model.
"""
from ssfer_mm.faces.detectors.mmdet_model import import_mmdet

import_mmdet()
