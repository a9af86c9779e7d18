"""Names of models: those that come with the package, and those trained here."""
import difflib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from ssfer_mm.errors import UserError

WEIGHTS = Path(__file__).resolve().parent / 'weights'
TRAINED = 'work_dirs'
# Endings of the files that a back-end takes.
ENDINGS = {'torch': ('.pth', '.safetensors', '.pt', '.ckpt'), 'onnx': ('.onnx',)}
# The last stage of a training is its result.
STAGES = ('semi', 'supervised')
# Where a run has them: in its folder, or, after run_ssfer.py with all stages, one below.
PLACES = ('', 'ssfer/')
# What is there of a run, or of released weights after convert_checkpoint.py, the best first.
RESULTS = (*(f'classifier_{stage}' for stage in STAGES), 'classifier')
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
    """Results of trainings: ``classifier_STAGE.pth`` beside ``classifier.py``; ``classifier.pth``,
    which was converted; and what was converted or exported beside them."""
    found = []
    for depth in range(1, 4):
        for file in sorted(root.glob('/'.join(['*'] * depth) + '/classifier*')):
            run = file.parent.relative_to(root).as_posix()
            stage = file.stem.removeprefix('classifier').lstrip('_')
            about = 'trained here' if stage else 'converted here'
            if file.suffix in ('.safetensors', '.onnx'):
                about += f', {file.suffix[1:]}'
            elif file.suffix != '.pth' or not (file.parent / 'classifier.py').is_file():
                continue
            elif stage:
                about += f', after stage {stage}'
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
    endings = ENDINGS[backend]
    models = [model for model in known_models(trained) if model.path.suffix in endings]
    if name is None:
        return _only(models, backend)
    places = Path(name).expanduser(), Path(trained) / name
    if not places[0].is_file():
        for model in models:
            if model.name == name:
                return model
    if file := next(filter(Path.is_file, places), None):
        if file.suffix not in endings:
            raise UserError(f'the model {name}: the {backend} back-end takes a file that ends in '
                            f'{" or ".join(endings)}; {_other_file(file, backend)}')
        return NamedModel(file.stem, file, 'a file')
    if file := _result(places, endings):
        return next((model for model in models if model.path == file),
                    NamedModel(places[0].name, file, 'the result of a run'))
    if backend == 'onnx' and (file := _result(places, ENDINGS['torch'])):
        raise UserError(f'the model {name} is not exported yet; run: python tools/export.py {file} '
                        f'{file.with_suffix(endings[0])}')
    missing = (f'and the folder of that name holds no classifier_STAGE{endings[0]}'
               if any(place.is_dir() for place in places) else 'and no such file exists')
    raise UserError(f'no model is called {name!r} {missing}; {_closest(name, models)}')


def _result(places: Sequence[Path], endings: Sequence[str]) -> Optional[Path]:
    """The file of the last stage of a run, or of the stage that is named.

    Args:
        places: Where the run may be; ``RUN/semi`` is a stage.
        endings: Of the file.
    """
    for place in places:
        stems = [place / f'{folder}{result}' for folder in PLACES for result in RESULTS]
        if place.name in STAGES:
            stems.append(place.parent / f'classifier_{place.name}')
        for file in (Path(f'{stem}{ending}') for stem in stems for ending in endings):
            if file.is_file():
                return file
    return None


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
    names = [other for other in names if other != name]
    close = difflib.get_close_matches(name, dict.fromkeys(names), n=3, cutoff=0.4)
    if close:
        return f'closest: {", ".join(close)}. All names: ssfer models'
    return (f'known: {", ".join(dict.fromkeys(model.name for model in models))}' if models
            else HOW_TO_GET_ONE)
