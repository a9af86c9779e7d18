"""Processes that work side by side, and which of them hears what."""
from .fresh_processes import fresh_processes, hear_ctrl_c
from .worker_pool import map_batches

__all__ = ['fresh_processes', 'hear_ctrl_c', 'map_batches']
