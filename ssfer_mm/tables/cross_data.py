"""The table of models that were tested on data they were not trained on."""
import json
from pathlib import Path

from ssfer_mm.errors import UserError

from .markdown import grid


def block(folder: Path) -> str:
    """Every result file that ``tools/eval_cross.py --out`` wrote into a folder, as Markdown.

    Raises:
        UserError: A file there is none of these.
    """
    rows = []
    for path in sorted(Path(folder).glob('*.json')):
        try:
            result = json.loads(path.read_text(encoding='utf-8'))
            recalls = ', '.join(f'{name} {value:.1f} ({result["counts"][name]})'
                                for name, value in result['recall'].items())
            rows.append([
                result['title'], f'{result["data"]} {result["subset"]}, {result["images"]} images',
                result['detector'], f'{result["accuracy"]:.2f}',
                f'{result["mean_class_accuracy"]:.2f}', recalls, f'`{result["command"]}`'])
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f'{path} is not a result of tools/eval_cross.py ({error}); remove it, '
                            'or make it again') from error
    if not rows:
        return 'Not measured yet: `python tools/eval_cross.py`.'
    head = ['model', 'tested on', 'faces', 'accuracy, %', 'mean class accuracy, %',
            'recall, % (images)', 'command']
    return grid(head, rows)
