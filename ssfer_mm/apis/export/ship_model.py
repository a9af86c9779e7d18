"""Put a trained recognizer into the package: the work behind ``tools/ship_model.py``."""
import argparse
import json
import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Optional

from ssfer_mm.command_line.parsers import ship_model_parser
from ssfer_mm.command_line.parsers.export import OPSET
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.config import PACKAGE
from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.model_files.classifier import build_classifier, probabilities, resize_faces
from ssfer_mm.model_files.described import Described, describe
from ssfer_mm.model_files.model_card import model_card
from ssfer_mm.model_files.model_names import WEIGHTS, read_registry
from ssfer_mm.model_files.published import published_command, published_path

from .convert_checkpoint import (
    check_new,
    options_of,
    summary_of,
    write_described,
)
from .export_model import export_model, faces_of

MAX_BYTES = 6_000_000
# Half precision moves probabilities by about a thousandth; more means that it does not suit.
HALF_TOLERANCE = 1e-2
# Of the files of a model.
CARD = '.safetensors.md'
SUFFIXES = ('.safetensors', CARD, '.onnx')
FIGURES = ('accuracy', 'mean_class_accuracy')


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(lambda: _run(ship_model_parser().parse_args(arguments)))


def ship(described: Described, name: str, about: str, folder: Path = WEIGHTS, half: bool = False,
         onnx: bool = True, default: bool = True, card: bool = True) -> List[Path]:
    """Write weights, card and registry entry; nothing, if anything is wrong.

    Args:
        described: A classifier, with ``config``, ``command``, ``commit`` and ``metrics`` in its
            ``training``.
        name: What users will type.
        about: A few words for ``ssfer models``.
        folder: Where models of the package lie.
        half: Store half precision, in half the bytes.
        onnx: Also write an ONNX file, for machines without torch, which takes its weights from
            the other one.
        default: Take it where no model is named.
        card: Also write a model card.

    Returns:
        The files written.

    Raises:
        UserError: The model is not fit to be shipped; the message says why.
    """
    _check_record(described, name)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix='.') as temporary:
        _write_files(described, Path(temporary) / f'{name}.safetensors', half, onnx, card)
        files = sorted(Path(temporary).iterdir())
        for file in files:
            os.replace(file, folder / file.name)
    for written, suffix in ((onnx, '.onnx'), (card, CARD)):
        if not written:  # a former model's of this name would take, or describe, other weights
            (folder / f'{name}{suffix}').unlink(missing_ok=True)
    _register(folder, name, about, onnx, default)
    return [folder / file.name for file in files]


def _write_files(described: Described, weights: Path, half: bool, onnx: bool, card: bool) -> None:
    """Weights, and what goes with them beside them; each is compared with the trained model."""
    faces = faces_of('', 16)
    images = resize_faces(faces, described)
    expected = probabilities(build_classifier(described), images)
    if half:
        described.state = {key: value.half() if value.is_floating_point() else value
                           for key, value in described.state.items()}
    write_described(described, weights)
    if weights.stat().st_size > MAX_BYTES:
        advice = 'train a smaller one' if half else 'add --half, or train a smaller one'
        raise UserError(f'{weights.name} would have {weights.stat().st_size / 1e6:.1f} MB, '
                        f'more than {MAX_BYTES / 1e6:g} MB: {advice}')
    again = describe(weights)
    difference = float((probabilities(build_classifier(again), images) - expected).abs().max())
    if not difference <= HALF_TOLERANCE:  # NaN too
        raise UserError(f'the stored model differs by {difference:.1e} in a probability '
                        f'(allowed: {HALF_TOLERANCE:g}); leave --half out')
    precision = 'half precision' if half else 'single precision'
    formats = [f'safetensors, {precision}; probabilities differ by at most {difference:.0e} '
               'from the trained weights']
    if onnx:
        twin = weights.with_suffix('.onnx')
        difference = export_model(again, twin, faces, weights=weights)
        formats.append(f'ONNX, opset {OPSET}: {twin.name} takes its weights from the '
                       f'safetensors file; probabilities differ by at most {difference:.0e}')
    if card:
        # What was shipped is not what it was made from.
        text = model_card(replace(again, source=described.source), weights.name, formats)
        weights.with_suffix(CARD).write_text(text, encoding='utf-8')


def _check_record(described: Described, name: str) -> None:
    """A model whose origin nobody can repeat does not go into the package."""
    if not re.fullmatch(r'[a-z0-9][a-z0-9._-]*', name):
        raise UserError(f'--name {name}: use small letters, digits, dots, - and _, e.g. '
                        'ferplus_cnn-48px')
    training = described.training
    missing = [f'{key} ({option})' for key, option in (
        ('config', '--config'), ('command', '--command'), ('commit', 'a git checkout'))
        if not training.get(key)]
    metrics = training.get('metrics') or {}
    missing += [f'{figure} (stages.json of the run, beside the checkpoint)' for figure in FIGURES
                if figure not in metrics]
    missing += [f'recall of {label}' for label in described.classes or ()
                if metrics and f'recall/{label}' not in metrics]
    if missing:
        raise UserError(f'{described.source["file"]} does not record {", ".join(missing)}: ship '
                        'the checkpoint from the folder of its run, with these options')


def _register(folder: Path, name: str, about: str, onnx: bool, default: bool) -> None:
    entries: Dict[str, dict] = read_registry(folder)
    if default:
        for entry in entries.values():
            entry.pop('default', None)
    entries[name] = dict(file=f'{name}.safetensors', about=about)
    if onnx:
        entries[name]['onnx'] = f'{name}.onnx'
    if default:
        entries[name]['default'] = True
    with atomic_write(folder / 'models.json') as file:
        file.write(json.dumps(entries, indent=2) + '\n')


def committed(config: str) -> str:
    """The commit that a config is part of, unchanged.

    Raises:
        UserError: There is no such file, git does not have it as it is, or it refuses to look
            into the repository of another user.
    """
    path = Path(config)
    if not path.is_file():
        raise UserError(f'--config {config}: no such file; name the config of the training')
    folder = str(path.resolve().parent)

    def git(*words: str) -> Optional[str]:
        try:
            done = subprocess.run(['git', '-C', folder, *words], capture_output=True, text=True,
                                  env=dict(os.environ, LC_ALL='C'))
        except OSError:  # no git on this machine
            return None
        owned = re.search(r"dubious ownership in repository at '(.+)'", done.stderr)
        if owned:
            raise UserError(f'--config {config}: git does not look into {owned[1]}, which belongs '
                            'to another user. Run git config --global --add safe.directory '
                            f'{shlex.quote(owned[1])}, or add --commit')
        return done.stdout.strip() if done.returncode == 0 else None

    head = git('log', '-1', '--format=%H', '--', path.resolve().name)
    if not head or git('status', '--porcelain', '--', path.resolve().name) != '':
        raise UserError(f'--config {config} is not committed as it is: commit it first, so that '
                        'others can train the same model; without git here, add --commit')
    return git('rev-parse', 'HEAD')


def _run(args: argparse.Namespace) -> None:
    check_new(args.force, *(WEIGHTS / f'{args.name}{suffix}' for suffix in SUFFIXES))
    if not args.default and read_registry(WEIGHTS).get(args.name, {}).get('default'):
        raise UserError(f'{args.name} is the model taken where none is named; --no-default would '
                        'leave none: leave it out, or ship another model as the default first')
    options = options_of(args)
    described = describe(args.model, options)
    config = args.config and published_path(os.path.relpath(args.config, PACKAGE.parent))
    described.training.update(
        config=config, command=published_command(args.command), licence=args.license,
        commit=args.commit or (committed(args.config) if args.config else ''))
    print(summary_of(described))
    accuracy = (described.training.get('metrics') or {}).get('accuracy', float('nan'))
    kind = (described.training.get('train_data') or {}).get('type', 'faces')
    about = args.about or f'comes with the package; {kind}, {accuracy:.1f} % on its test images'
    for file in ship(described, args.name, about, WEIGHTS, half=args.half, onnx=args.onnx,
                     default=args.default, card=args.card):
        print(f'written to {file} ({file.stat().st_size / 1e6:.2f} MB)')
    print('Now "ssfer predict PHOTO" uses it; commit these files and models.json.'
          if args.default else f'Use it with --model {args.name}; commit these files.')
