"""Draw a contact sheet of SynthFER: one row per class, intensity growing to the right."""
import sys

from ssfer_cli import start

if __name__ == '__main__':
    sys.exit(start('ssfer_mm.apis.dataset.browse_synthfer:main', 'browse_synthfer_parser'))
