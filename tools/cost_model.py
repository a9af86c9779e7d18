"""What stage I would cost elsewhere: python tools/cost_model.py CONFIG --images N --gpus 8"""
import sys

from ssfer_cli import prepare_packages


def main():
    from ssfer_mm.apis.trials.cost_model import main as cost_main

    return cost_main


if __name__ == '__main__':
    prepare_packages()
    from ssfer_mm.command_line.parsers import cost_model_parser, run_tool

    sys.exit(run_tool(cost_model_parser(), main))
