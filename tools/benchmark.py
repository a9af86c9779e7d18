"""How fast configs train: python tools/benchmark.py CONFIG... [--json FILE]"""
import sys

from ssfer_cli import prepare_packages


def main():
    from ssfer_mm.apis.trials.benchmark import main as benchmark_main

    return benchmark_main


if __name__ == '__main__':
    prepare_packages()
    from ssfer_mm.command_line.parsers import benchmark_parser, run_tool

    sys.exit(run_tool(benchmark_parser(), main))
