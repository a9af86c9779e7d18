"""Names of models: those that come with the package, and those trained here."""
import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional

from ssfer_mm.errors import UserError

WEIGHTS = Path(__file__).resolve().parent / 'weights'
TRAINED = 'work_dirs'
# Endings of the files that a back-end takes.
ENDINGS = {'torch': ('.pth', '.safetensors', '.pt', '.ckpt'), 'onnx': ('.onnx',)}
# The last stage of a training is its result.
STAGES = ('semi', 'supervised')
# Where a run has them: in its folder, or, after run_ssfer.py with all stages, one below.
PLACES = ('', 'ssfer/')
HOW_TO_GET_ONE = ('train one (README) or convert released weights with tools/convert_checkpoint.py,'
                  ' then give its file')


@dataclass(frozen=True)
class NamedModel:
    """A model that has a name.

    Attributes:
        name: What to type.
        path: Its file.
        about: A few words.
        default: Whether it is meant where no model is named.
    """
    name: str
    path: Path
    about: str
    default: bool = False


def known_models(trained: str = TRAINED) -> List[NamedModel]:
    """All models with a name.

    Args:
        trained: Folder whose runs are searched for classifiers, at most three folders deep.

    Returns:
        Those of the package first.
    """
    return shipped_models() + trained_models(Path(trained))


def shipped_models() -> List[NamedModel]:
    """Models in the package; one with an ONNX file is there twice, under one name."""
    return [NamedModel(name, WEIGHTS / entry[kind], entry['about'], entry.get('default', False))
            for name, entry in read_registry(WEIGHTS).items() for kind in ('file', 'onnx')
            if kind in entry]


def read_registry(folder: Path) -> Dict[str, dict]:
    """The models of a folder, from its ``models.json``, which ``tools/ship_model.py`` writes:
    ``{name: {"file": ..., "about": ..., "onnx": ..., "default": true}}``, the last two optional."""
    path = folder / 'models.json'
    return json.loads(path.read_text(encoding='utf-8')) if path.is_file() else {}


def trained_models(root: Path) -> List[NamedModel]:
    """Results of trainings: ``classifier_STAGE.pth`` beside ``classifier.py``, and what was
    converted or exported beside them."""
    found = []
    for depth in range(1, 4):
        for file in sorted(root.glob('/'.join(['*'] * depth) + '/classifier*')):
            run = file.parent.relative_to(root).as_posix()
            stage = file.stem.removeprefix('classifier').lstrip('_')
            if file.suffix == '.pth' and (file.parent / 'classifier.py').is_file():
                about = f'trained here, after stage {stage}'
            elif file.suffix in ('.safetensors', '.onnx'):
                about = f'trained here, {file.suffix[1:]}'
            else:
                continue
            found.append(NamedModel(f'{run}/{file.name}' if file.suffix == '.onnx' else
                                    f'{run}/{stage or file.name}', file, about))
    return found


def find_model(name: Optional[str], backend: str, trained: str = TRAINED) -> NamedModel:
    """The model that a name or a path means.

    Args:
        name: A name, a file, the folder of a run (of some or of all stages), or None for the
            default of the package, or else the only model there is.
        backend: ``'torch'`` or ``'onnx'``.
        trained: See :func:`known_models`.

    Raises:
        UserError: There is none, or it is not clear which; the message names the closest.
    """
    models = [model for model in known_models(trained) if model.path.suffix in ENDINGS[backend]]
    if name is None:
        return _only(models, backend)
    path = Path(name).expanduser()
    if path.is_file():
        if path.suffix not in ENDINGS[backend]:
            raise UserError(f'the model {name}: the {backend} back-end takes a file that ends in '
                            f'{" or ".join(ENDINGS[backend])}; {_other_file(path, backend)}')
        return NamedModel(path.stem, path, 'a file')
    ending = ENDINGS[backend][0]
    if run := _result(path, ending):
        return NamedModel(path.name, run, 'the result of a run')
    for wanted in (name, *(f'{name.rstrip("/").removeprefix(trained + "/")}/{place}{stage}'
                           for place in PLACES for stage in STAGES)):
        for model in models:
            if model.name == wanted:
                return model
    missing = (f'and the folder of that name holds no classifier_STAGE{ending}' if path.is_dir()
               else 'and no such file exists')
    if run := _result(path, '.pth'):
        raise UserError(f'the model {name} is not exported yet; run: python tools/export.py {run} '
                        f'{run.with_suffix(ending)}')
    raise UserError(f'no model is called {name!r} {missing}; {_closest(name, models)}')


def _result(folder: Path, ending: str) -> Optional[Path]:
    """The file of its last stage in the folder of a run."""
    files = (folder / f'{place}classifier_{stage}{ending}' for place in PLACES for stage in STAGES)
    return next((file for file in files if file.is_file()), None)


def _other_file(path: Path, backend: str) -> str:
    """What to do with a file that this back-end does not take."""
    if backend == 'onnx':
        return 'write one with tools/export.py'
    if path.suffix in ENDINGS['onnx']:
        return 'for an .onnx file use --backend onnx'
    if path.suffix in ('.pt2', '.torchscript'):
        return 'this one is for other programs: give what it was exported from'
    return 'name the weights'


def _only(models: List[NamedModel], backend: str) -> NamedModel:
    for model in models:
        if model.default:
            return model
    # Both stages of one run are one choice.
    runs: Dict[str, NamedModel] = {}
    for model in models:
        run = model.name.rpartition('/')[0] or model.name
        best = runs.setdefault(run, model)
        if model.name.endswith(STAGES[0]) and not best.name.endswith(STAGES[0]):
            runs[run] = model
    if len(runs) == 1:
        return next(iter(runs.values()))
    if not runs:
        advice = ('export one with tools/export.py MODEL DST.onnx, then give it'
                  if backend == 'onnx' else HOW_TO_GET_ONE)
        raise UserError(f'no model was given and none is found in the package or in {TRAINED}/: '
                        f'{advice} with --model')
    raise UserError(f'several models are found; choose one with --model: '
                    f'{", ".join(model.name for model in runs.values())}')


def _closest(name: str, models: List[NamedModel]) -> str:
    names = [model.name for model in models]
    names += [model.name.rpartition('/')[0] for model in models if '/' in model.name]
    close = difflib.get_close_matches(name, dict.fromkeys(names), n=3, cutoff=0.4)
    if close:
        return f'closest: {", ".join(close)}. All names: ssfer models'
    return (f'known: {", ".join(dict.fromkeys(model.name for model in models))}' if models
            else HOW_TO_GET_ONE)
