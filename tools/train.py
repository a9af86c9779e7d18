"""Train: python tools/train.py CONFIG [--work-dir DIR] [--resume [CHECKPOINT]] ..."""
import sys

from ssfer_cli import prepare_packages


def main():
    from ssfer_mm.apis.training.launch import train_main

    return train_main


if __name__ == '__main__':
    prepare_packages()
    from ssfer_mm.command_line.parsers import run_tool, train_parser

    sys.exit(run_tool(train_parser(), main, resumable=True))
