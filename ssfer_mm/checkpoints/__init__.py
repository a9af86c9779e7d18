"""Files of weights: whose they are, what they hold, and the same weights under other names."""
from .architecture import infer_model, is_vit, kind_of, resize_vit
from .config_text import read_config_text
from .formats import check_suffix, write_checkpoint
from .recognize import (
    LAYOUTS,
    RUNNING_STATISTICS,
    in_mmpretrain_names,
    in_timm_names,
    layout_of,
    unwrapped,
    weights_in,
)
from .verify import check_fit

__all__ = [
    'LAYOUTS', 'RUNNING_STATISTICS', 'check_fit', 'check_suffix', 'in_mmpretrain_names',
    'in_timm_names', 'infer_model', 'is_vit', 'kind_of', 'layout_of', 'read_config_text',
    'resize_vit', 'unwrapped', 'weights_in', 'write_checkpoint'
]
