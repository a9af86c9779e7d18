"""What stage I would cost elsewhere: python tools/cost_model.py CONFIG --images N --gpus 8"""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.trials.cost_model:command', 'cost_model_parser'))
