"""Processes that work side by side, and which of them hears what."""
from .fresh_processes import end_with_parent, fresh_processes, hear_ctrl_c
from .worker_pool import map_batches

__all__ = ['end_with_parent', 'fresh_processes', 'hear_ctrl_c', 'map_batches']
