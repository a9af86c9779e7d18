"""SynthFER: an endless, seeded, license-free supply of faces with expressions.

Reading order: ``action_units`` (what moves), ``identity`` (who), ``scene`` (where and how it is
photographed), ``shape`` (geometry), ``paint_*`` (pixels), ``camera``, ``generator``, ``pool``.
"""

from .action_units import CLASSES
from .generator import FREQUENCIES, POOLS, VERSION, SynthFace, SynthFERGenerator
from .pool import Pool, render_pool
from .sheet import contact_sheet

__all__ = ['CLASSES', 'FREQUENCIES', 'POOLS', 'VERSION', 'Pool', 'SynthFERGenerator', 'SynthFace',
           'contact_sheet', 'render_pool']
