"""What the command-line tools, and programs that want the same, call."""
from ssfer_mm.command_line.run import run_cli, user_message
from ssfer_mm.config import load_config

from .training.launch import test, test_main, train, train_main

__all__ = ['load_config', 'run_cli', 'test', 'test_main', 'train', 'train_main', 'user_message']
