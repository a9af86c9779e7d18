"""The work behind ``tools/convert_checkpoint.py``: the same weights under other names."""
import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from mmengine.config import Config

from ssfer_mm.checkpoints import LAYOUTS, check_suffix, in_timm_names, write_checkpoint
from ssfer_mm.command_line.parsers import convert_checkpoint_parser
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.errors import UserError
from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.model_files.described import Described, Options, describe
from ssfer_mm.model_files.model_card import card_to_write, write_card
from ssfer_mm.model_files.published import published_model


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(lambda: _run(convert_checkpoint_parser().parse_args(arguments)))


def _run(args: argparse.Namespace) -> None:
    target = Path(args.dst).expanduser()
    check_suffix(target)
    check_new(args.force, target)
    described = describe(args.src, options_of(args))
    is_stock = described.kind == 'classifier' and args.to == 'mmpretrain'
    config = target.with_suffix('.py') if is_stock else None
    check_new(args.force, config, card_to_write(described, target, args.card))
    print(summary_of(described))
    write_described(described, target, args.to)
    print(f'written to {target}')
    if config:
        with atomic_write(config) as file:
            file.write(stock_config(described).pretty_text)
        print(f'config for mmpretrain: {config}')
    write_card(described, target, args.card, formats=[f'{target.suffix[1:]} ({args.to} names)'])


def write_described(described: Described, target: Path, to: str = 'mmpretrain') -> None:
    """Write weights and their description.

    Args:
        described: As from `describe`.
        target: ``.pth`` or ``.safetensors``.
        to: ``'mmpretrain'``, or ``'timm'``, which for a MAE means the official MAE's names.

    Raises:
        UserError: the weights have no place in the other library.
    """
    state, container = described.state, 'state_dict'
    if to == 'timm':
        state = in_timm_names(state)
        container = 'model' if described.kind == 'mae' else 'state_dict'
    meta = described.meta()
    if described.training.get('epoch') is not None:
        meta.update(epoch=described.training['epoch'])
    write_checkpoint(target, state, meta, container)


def stock_config(described: Described) -> Config:
    """A config with which mmpretrain's own tools use the classifier on image files."""
    height, width = described.input_size
    pipeline = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(width, height)),
                dict(type='PackInputs')]
    # mmpretrain asks for the type where a file of weights has no names of classes that it reads.
    dataset = dict(type='CustomDataset', pipeline=pipeline)
    if described.classes:
        dataset.update(metainfo=dict(classes=list(described.classes)))
    return Config(dict(default_scope='mmpretrain', model=published_model(described.model),
                       test_dataloader=dict(dataset=dataset)))


def summary_of(described: Described) -> str:
    """A few lines: what was found, and what nobody knows."""
    parameters = sum(value.numel() for value in described.state.values())
    size = 'unknown' if not described.input_size else '{1} x {0}'.format(*described.input_size)
    lines = [
        f'{described.source["file"]}: {LAYOUTS[described.source["layout"]]}',
        f'{described.kind}: {len(described.state)} tensors, {parameters / 1e6:.2f} M values; '
        f'every one accounted for; images {size}']
    if described.kind == 'classifier':
        lines.append('classes: ' + (', '.join(described.classes) if described.classes else
                                    'unknown; name them with --dataset or --classes'))
        lines.append('mean, std: ' + (f'{list(described.mean)}, {list(described.std)}'
                                      if described.mean and described.std else
                                      'unknown; name them with --mean and --std'))
    return '\n'.join(lines)


def check_new(force: bool, *paths: Optional[Path]) -> None:
    """Refuse to replace files unless that was asked for; None stands for a file not written.

    Raises:
        UserError: one of them exists.
    """
    for path in paths:
        if path and path.exists() and not force:
            raise UserError(f'{path} exists; choose another name, or add --force to replace it.')


def options_of(args: argparse.Namespace) -> Options:
    """The options of a parsed command line.

    Raises:
        UserError: A number among them cannot be.
    """
    for option, value in (('--img-size', args.img_size), ('--num-heads', args.num_heads)):
        if value is not None and value < 1:
            raise UserError(f'{option} {value}: expected 1 or more')
    for option, values, least in (('--mean', args.mean, 0), ('--std', args.std, 1e-3)):
        if values and not all(least <= value <= 255 for value in values):  # NaN too
            raise UserError(f'{option} {" ".join(map(str, values))}: expected three numbers from '
                            f'{least:g} to 255')
    return Options(
        dataset=args.dataset.lower(),
        classes=tuple(name.strip() for name in args.classes.split(',') if name.strip()),
        mean=args.mean and tuple(args.mean), std=args.std and tuple(args.std),
        img_size=args.img_size, num_heads=args.num_heads, config=args.config, key=args.key,
        margin=args.margin)
