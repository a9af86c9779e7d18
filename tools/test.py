"""Evaluate: python tools/test.py CONFIG CHECKPOINT [--out FILE] ..."""
import sys

from ssfer_cli import prepare_packages


def main():
    from ssfer_mm.apis.training.launch import test_main

    return test_main


if __name__ == '__main__':
    prepare_packages()
    from ssfer_mm.command_line.parsers import run_tool, test_parser

    sys.exit(run_tool(test_parser(), main))
