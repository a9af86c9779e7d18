"""Test a recognizer on another data set than the one it was trained on."""
import shlex
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from ssfer_mm.apis.output_files import check_output
from ssfer_mm.command_line.parsers import eval_cross_parser
from ssfer_mm.command_line.progress import progress
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.datasets.base import FERDataset
from ssfer_mm.datasets.labeled import build_labeled
from ssfer_mm.errors import UserError
from ssfer_mm.evaluation import class_accuracies, confusion_matrix
from ssfer_mm.faces.boxes import box_area
from ssfer_mm.files.atomic import write_json
from ssfer_mm.transforms import LoadFace

# Data set type -> what to test on, where the command line does not say.
SUBSETS = {'Faces13k': 'all', 'FERPlus': 'valid'}
ROOTS = {'Faces13k': 'data/faces13k', 'FERPlus': 'data/ferplus', 'RAFDB': 'data/rafdb'}


def command(argv: Optional[Sequence[str]] = None) -> int:
    """The tool: what a user can put right is a sentence; returns the exit status."""
    return run_cli(lambda: main(argv))


def main(argv: Optional[Sequence[str]] = None) -> dict:
    """``tools/eval_cross.py``: prints the figures, and writes them if asked; returns them."""
    args = eval_cross_parser().parse_args(argv)
    check_output('--out', args.out)
    subset = args.subset or SUBSETS.get(args.data, 'test')
    root = args.data_root or ROOTS.get(args.data)
    data = build_labeled(dict(type=args.data, subset=subset,
                              **(dict(data_root=root) if root else {})), '--data-root')
    result = evaluate(args.model, data, args.detector, args.margin, args.batch_size, args.device)
    result.update(title=args.title or Path(args.model).parent.name or args.model, data=args.data,
                  subset=subset, command=shlex.join(
                      ['python', 'tools/eval_cross.py', *(argv or sys.argv[1:])]))
    print(text(result))
    if args.out:
        write_json(args.out, result)
        print(f'written to {args.out}')
    return result


def evaluate(model: object, data: FERDataset, detector: object = 'whole',
             margin: Optional[float] = None, batch_size: int = 64, device: str = 'cpu') -> dict:
    """Accuracy of a recognizer on a labeled data set with other classes, or in another order.

    Classes are compared by name. Images of a class that the model does not know are left out, and
    the model chooses among the classes that both have; how often its first choice would have been
    another class is given as ``elsewhere``.

    Args:
        model: As in `FERInferencer`.
        data: The labeled images.
        detector: As in `FERInferencer`; ``'whole'`` takes each image for a face. Of several
            faces the largest counts; where none is found, the whole image.
        margin: Around a detected face, as in `FERInferencer`.
        batch_size: Images per forward pass.
        device: Where torch runs.

    Returns:
        JSON-able: ``images``, ``left_out``, ``accuracy``, ``mean_class_accuracy``, ``elsewhere``
        (all percent), ``recall``, ``counts``, ``classes``, ``confusion``, ``without_face``,
        ``detector``.

    Raises:
        UserError: Model and data have no two classes in common, or an image cannot be read.
    """
    from ssfer_mm.inference.inferencer import FERInferencer

    inferencer = FERInferencer(model, detector=detector, margin=margin, device=device,
                               batch_size=batch_size)
    theirs = tuple(data.metainfo['classes'])
    shared = tuple(name for name in theirs if name in inferencer.classes)
    if len(shared) < 2:
        raise UserError(f'the model knows {", ".join(inferencer.classes)}, the data '
                        f'{", ".join(theirs)}: they share {len(shared)} classes, and a test needs '
                        'two. Choose other data')
    labels = data.labels()
    kept = [i for i, label in enumerate(labels) if theirs[label] in shared]
    probabilities, without_face = _predict(inferencer, data, kept, batch_size)
    truth = np.array([shared.index(theirs[labels[i]]) for i in kept])
    columns = [inferencer.classes.index(name) for name in shared]
    predicted = probabilities[:, columns].argmax(axis=1)
    elsewhere = ~np.isin(probabilities.argmax(axis=1), columns)
    figures = class_accuracies(truth, predicted)
    return dict(
        images=len(kept), left_out=len(labels) - len(kept), accuracy=figures['accuracy'],
        mean_class_accuracy=figures['mean'], elsewhere=100 * float(elsewhere.mean()),
        recall={shared[index]: value for index, value in figures['recall'].items()},
        counts={name: int((truth == index).sum()) for index, name in enumerate(shared)},
        classes=list(shared), without_face=without_face,
        detector=detector if isinstance(detector, str) else type(detector).__name__,
        confusion=confusion_matrix(truth, predicted, len(shared)).tolist())


def _predict(inferencer, data: FERDataset, indices: Sequence[int],
             batch_size: int) -> Tuple[np.ndarray, int]:
    """Probabilities (N, K) in the model's order; and in how many images no face was found."""
    from ssfer_mm.inference.loading import load

    decode, rows, without = LoadFace(), [], 0
    images = (load(decode(data.get_data_info(i))['img'], i) for i in indices)
    found = inferencer.stream(progress(images, len(indices)), batch_size)
    for image, result in found:
        if result.faces:
            face = max(result.faces, key=lambda face: box_area(np.array(face.box))).probabilities
            rows.append([face[name] for name in inferencer.classes])
        else:
            without += 1
            rows.append(inferencer.classify_whole([image.pixels])[0])
    return np.array(rows), without


def text(result: Dict[str, object]) -> str:
    """The figures for people."""
    lines: List[str] = [
        f'{result["data"]} {result["subset"]}: {result["images"]} images of '
        f'{len(result["classes"])} shared classes ({result["left_out"]} of other classes left out)',
        f'accuracy {result["accuracy"]:.2f} %, mean class accuracy '
        f'{result["mean_class_accuracy"]:.2f} % (first choice outside of the shared classes: '
        f'{result["elsewhere"]:.2f} %)']
    if result['detector'] != 'whole':
        lines.append(f'no face found in {result["without_face"]} images, used whole')
    lines += [f'  {name:<10} recall {value:6.2f} %  of {result["counts"][name]}'
              for name, value in result['recall'].items()]
    return '\n'.join(lines)
