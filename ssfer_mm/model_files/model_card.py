"""A model card: what a model is, how it was trained and measured, and what nobody recorded."""
from pathlib import Path
from typing import List, Optional, Sequence

from ssfer_mm.files.atomic import atomic_write
from ssfer_mm.version import __version__

from .described import Described

UNKNOWN = 'unknown (not recorded)'
# Terms of the images, as the data sets' owners publish them.
DATA_TERMS = {
    'RAFDB': 'RAF-DB: non-commercial research only, by agreement with its authors.',
    'AffectNet': 'AffectNet: non-commercial research only, by agreement with its authors.',
    'FERPlus': 'FER+: labels MIT (Microsoft); images of the ICML 2013 FER challenge, for research.',
    'SynthFER': 'SynthFER: drawn by this package; no photograph of anybody.',
}


def write_card(described: Described, model: Path, wanted: Optional[bool],
               formats: Sequence[str]) -> Optional[Path]:
    """Write ``MODEL.md`` beside a model and say so.

    Args:
        described: The model.
        model: Its file; `classifier.onnx` gets `classifier.onnx.md`.
        wanted: True, False, or None: if anything is known of the training.
        formats: What to say of the file's format and accuracy, one line each.
    """
    path = card_to_write(described, model, wanted)
    if path is None:
        if wanted is None:
            print('no model card: nothing is known of the training (--card writes one that says '
                  'so)')
        return None
    with atomic_write(path) as file:
        file.write(model_card(described, model.name, formats))
    print(f'model card: {path}')
    return path


def card_to_write(described: Described, model: Path, wanted: Optional[bool]) -> Optional[Path]:
    """The file that `write_card` writes, to be known before anything is replaced; None: none."""
    if wanted is None:
        wanted = bool(described.training)
    return model.with_name(model.name + '.md') if wanted else None


def model_card(described: Described, name: str, formats: Sequence[str]) -> str:
    """The card's text, in Markdown."""
    sections = [
        (f'# {name}', _summary(described, formats)),
        ('## Intended use', _intended_use(described)),
        ('## Training data', _training_data(described.training)),
        ('## Training', _training(described)),
        ('## Evaluation', _evaluation(described.training)),
        ('## Limits', _limits(described)),
        ('## License', _license(described.training)),
    ]
    return '\n\n'.join(f'{title}\n\n' + '\n'.join(lines) for title, lines in sections) + '\n'


def _summary(described: Described, formats: Sequence[str]) -> List[str]:
    numbers = sum(value.numel() for value in described.state.values())
    size = described.input_size
    backbone = described.model['backbone']
    arch = backbone.get('arch', backbone.get('depth'))
    if isinstance(arch, dict):
        arch = ', '.join(f'{key} {value}' for key, value in arch.items())
    lines = [
        f'- Kind: {described.kind}, {backbone["type"]}' + (f' ({arch})' if arch else '')
        + f', {numbers / 1e6:.2f} M parameters',
        f'- Input: RGB face crops, {f"{size[1]} x {size[0]} px" if size else "size " + UNKNOWN}; '
        f'mean {_triple(described.mean)}, std {_triple(described.std)} (0-255)']
    if described.kind == 'classifier':
        lines.append(f'- Classes, in order: '
                     f'{", ".join(described.classes) if described.classes else UNKNOWN}')
        if described.margin is not None:
            lines.append(f'- Crops: squares about the detected face, its longer edge plus '
                         f'{100 * described.margin:g} % on each side')
    lines += [f'- Format: {line}' for line in formats]
    return lines + [f'- Made from: {described.source["file"]} '
                    f'(SHA-256 {described.source["sha256"]}) by ssfer_mm {__version__}']


def _triple(values: Optional[Sequence[float]]) -> str:
    return ', '.join(f'{value:g}' for value in values) if values else UNKNOWN


def _intended_use(described: Described) -> List[str]:
    what = ('Naming the expression that a cropped face shows, one probability per class.'
            if described.kind == 'classifier' else
            'Starting weights for training an expression classifier; it predicts nothing itself.')
    return [f'{what} Research and prototypes.',
            'Not for decisions about people: an expression is not an emotion, an intention or a '
            'trait.']


def _training_data(training: dict) -> List[str]:
    data, split = training.get('train_data', {}), training.get('split')
    lines = [f'- Data set: {_data(data) if data else UNKNOWN}']
    if not split:
        return lines + [f'- Labeled part: {UNKNOWN}']
    how = '(listed)'
    if split['fraction'] is not None:
        how = f'({split["fraction"] * 100:g} % of each class), seed {split["seed"]}'
    elif split['per_class'] is not None:
        how = f'({split["per_class"]} images per class), seed {split["seed"]}'
    lines += [
        f'- Labeled part: {split["labeled"]} of {split["total"]} images {how}; the labels of the '
        'rest were not used',
        f'- Fingerprint of images and labels: {split["data_hash"]}', '',
        '| class | labeled | all |', '|---|---|---|']
    return lines + [f'| {name} | {part} | {total} |'
                    for name, (part, total) in split['counts'].items()]


def _data(data: dict) -> str:
    extra = [f'{key} {value}' for key, value in data.items() if key != 'type']
    return data.get('type', UNKNOWN) + (f' ({", ".join(extra)})' if extra else '')


def _training(described: Described) -> List[str]:
    training = described.training
    if not training:
        return [UNKNOWN[0].upper() + UNKNOWN[1:] + '.']
    known = [('Run', 'run'), ('Stage', 'stage'), ('Epoch', 'epoch'), ('Steps', 'iterations'),
             ('Seconds of this stage', 'seconds'), ('Seed', 'seed'), ('Finished', 'finished'),
             ('Started from', 'pretrained')]
    known += [(label, key) for label, key in (
        ('Config', 'config'), ('Command', 'command'), ('Commit', 'commit')) if training.get(key)]
    lines = [f'- {label}: {training.get(key, UNKNOWN)}' for label, key in known]
    if described.source.get('layout') == 'ssfer' or training.get('stage') in ('supervised', 'semi'):
        lines.append('- Weights: the teacher, an exponential moving average of the student')
    return lines


def _evaluation(training: dict) -> List[str]:
    metrics, data = training.get('metrics') or {}, training.get('test_data')
    if not metrics:
        return ['No figures are recorded for these weights.']
    lines = [f'Measured on: {_data(data) if data else UNKNOWN}, after the last epoch; one run, so '
             'without a spread over seeds.', '', '| | % |', '|---|---|']
    return lines + [f'| {_in_words(name)} | {value:.2f} |' for name, value in metrics.items()]


def _in_words(figure: str) -> str:
    for short, words in (('recall/', 'recall, '), ('_tta', ' with flip'), ('_', ' ')):
        figure = figure.replace(short, words)
    return figure


def _limits(described: Described) -> List[str]:
    metrics = described.training.get('metrics') or {}
    recalls = {key[7:]: value for key, value in metrics.items() if key.startswith('recall/')}
    weak = [f'{name} ({value:.0f} %)' for name, value in sorted(recalls.items(), key=lambda r: r[1])
            if value < 50]
    lines = ['- One posed or spontaneous picture carries no context; labels themselves disagree.',
             '- Accuracy by age, skin tone, gender or culture has not been measured here.',
             '- Crops unlike those of the training data (tightness, pose, blur) lower accuracy.']
    if weak:
        lines.insert(0, f'- Recognizes less than half of: {", ".join(weak)}.')
    if described.training.get('train_data', {}).get('type') == 'SynthFER':
        lines.insert(0, '- Trained on drawn faces: it is of no use on photographs.')
    return lines


def _license(training: dict) -> List[str]:
    kind = training.get('train_data', {}).get('type', '')
    terms = DATA_TERMS.get(kind, f'Terms of the training images: {UNKNOWN}; ask their owner.')
    weights = training.get('licence')
    return ['- Code of ssfer_mm: Apache-2.0.',
            f'- Weights: {weights}, within the terms of the training data.' if weights else
            f'- Weights: {UNKNOWN}; whoever trained them decides, within the terms of the '
            'training data and of the starting weights.', f'- {terms}']
