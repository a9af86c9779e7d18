"""The work behind ``tools/make_split.py``: from a config or a name to a split file."""
import argparse
import os.path as osp
from collections.abc import Mapping, Sequence

from mmengine.config import ConfigDict

from ssfer_mm.command_line.parsers import make_split_parser
from ssfer_mm.command_line.run import run_cli
from ssfer_mm.config import load_config
from ssfer_mm.datasets.drawn_split import draw_split
from ssfer_mm.datasets.labeled import build_labeled
from ssfer_mm.datasets.listed_split import listed_split, read_id_list
from ssfer_mm.datasets.splits import Split, load_split, save_split, split_table
from ssfer_mm.errors import UserError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, 2 for an error of the user's."""
    return run_cli(lambda: _run(make_split_parser().parse_args(arguments)))


def _run(args: argparse.Namespace) -> None:
    split, path = make_split(args)
    write_new(split, path, args.force)
    drawn = 'as listed' if split.is_listed else f'seed {split.seed}'
    print(f'{split.dataset}, {drawn}\n{split_table(split)}\nwritten to {path}')


def make_split(args: argparse.Namespace) -> tuple[Split, str]:
    """Draw or look up what the arguments ask for; gives the split and the file to write it to.

    Raises:
        UserError: No such config or dataset, impossible fraction, unusable data or list.
    """
    if args.ids and args.seed is not None:
        raise UserError('--ids names the labeled images, so there is nothing to draw; leave out '
                        '--seed')
    listed = read_id_list(args.ids) if args.ids else None
    recipe = {}
    if args.config:
        dataset_cfg, recipe = dataset_and_recipe(args.config)
    elif args.dataset:
        dataset_cfg = dict(type=args.dataset)
    else:
        raise UserError('Give a config file, or --dataset with --data-root.')
    if args.data_root:
        dataset_cfg['data_root'] = args.data_root
    in_config = args.config and not args.data_root
    dataset = build_labeled(dataset_cfg, 'data_root' if in_config else '--data-root')
    data = dataset.name, dataset.metainfo['classes'], dataset.ids(), dataset.labels()
    if listed is not None:
        split = listed_split(*data, listed)
        return split, args.out or default_file(split)
    recipe = _override(recipe, args)
    split = draw_split(*data, fraction=recipe.get('fraction'), per_class=recipe.get('per_class'),
                       seed=recipe.get('seed') or 0)
    return split, args.out or recipe.get('file') or default_file(split)


def _override(recipe: dict, args: argparse.Namespace) -> dict:
    """The recipe with what the command line says instead."""
    size = {'fraction': args.fraction, 'per_class': args.per_class}
    asked = {} if set(size.values()) == {None} else size
    if args.seed is not None:
        asked['seed'] = args.seed
    # Another split must not land in the file that the config names.
    kept = {key: value for key, value in recipe.items() if not asked or key != 'file'}
    return {**kept, **asked}


def write_new(split: Split, path: str, force: bool) -> None:
    """Save a split, but not over another one.

    Raises:
        UserError: The file holds something else and ``force`` is False, or cannot be written.
    """
    if osp.exists(osp.expanduser(path)) and not force:
        try:
            same = load_split(path) == split
        except UserError:
            same = False
        if not same:
            raise UserError(f'{path!r} exists and is not this split; choose another --out, or '
                            'add --force to replace it.')
    try:
        save_split(split, path)
    except OSError as error:
        raise UserError(f'{path!r} cannot be written ({error.strerror}); '
                        'choose another --out.') from error


def dataset_and_recipe(config: str) -> tuple[dict, dict]:
    """The labeled dataset of a training config, and the split recipe beside it, if any.

    Raises:
        UserError: No such file, one that cannot be read, or no ``train_dataloader.dataset`` in it.
    """
    cfg = load_config(config).get('train_dataloader') or {}
    dataset, recipe = cfg.get('dataset'), {}
    while isinstance(dataset, Mapping) and isinstance(dataset.get('dataset'), Mapping):
        split = dataset.get('split')
        recipe = dict(split) if isinstance(split, Mapping) else dict(file=split) if split else {}
        dataset = dataset['dataset']
    if not isinstance(dataset, Mapping):
        raise UserError(f'{config!r} has no train_dataloader.dataset; give a training config, or '
                        'use --dataset and --data-root.')
    return ConfigDict(dataset).to_dict(), recipe


def default_file(split: Split) -> str:
    """``splits/<dataset>_<size>_seed<seed>.json``, or ``..._<count>listed.json``, below here."""
    if split.is_listed:
        return f'splits/{split.dataset.lower()}_{len(split.labeled)}listed.json'
    size = (f'{split.per_class}perclass' if split.fraction is None
            else f'{split.fraction * 100:g}pct')
    return f'splits/{split.dataset.lower()}_{size}_seed{split.seed}.json'
