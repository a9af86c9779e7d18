"""Files: left out, unreadable, cut off, in an unusual mode, turned by EXIF, blank."""
import os.path as osp
from typing import Callable, Dict, List, Tuple

from ssfer_mm.datasets.class_folders import ADVICE_LOOSE
from ssfer_mm.images.files import other_photos

from .file_facts import FileFacts
from .findings import ERROR, NOTE, WARNING, Finding, about
from .parts import Part

# Word in a mode -> severity, what training does with it, what to do.
MODES: Dict[str, Tuple[str, str, str]] = {
    'grey': (NOTE, 'grey: training makes three equal channels of each', ''),
    'palette': (NOTE, 'with a color palette: training sees the colors it stands for', ''),
    'two-colour': (WARNING, 'with two colors only: training sees black and white',
                   'Look whether these are photographs.'),
    'alpha': (WARNING, 'with transparency: training drops it, so that hidden pixels show',
              'Flatten them onto a background.'),
    'CMYK': (WARNING, 'in CMYK: training converts them without a color profile',
             'Convert them to sRGB with an image editor.'),
    '16-bit': (WARNING, 'with 16 bits per channel: training keeps the upper 8, which are dark '
               'where a camera uses 12', 'Convert them to 8 bits.'),
    'LAB': (WARNING, 'in LAB: training converts them', 'Convert them to sRGB.'),
}


def check_files(part: Part) -> List[Finding]:
    """Findings about the files of a part.

    Args:
        part: With ``facts``.
    """
    fatal = not part.skips_unreadable
    findings = about(
        ERROR if fatal else WARNING, 'unreadable', part.name,
        [f'{name} ({facts.error})' for name, facts in zip(part.ids, part.facts) if facts.error],
        'cannot be read' + ('' if fatal else '; training skips them'),
        'Copy or extract them again' + (', or take them out of the data.' if fatal else '.'))
    for word, (severity, text, advice) in MODES.items():
        findings += _those(part, severity, f'mode {word}',
                           lambda facts, word=word: word in facts.mode.split(), f'are {text}',
                           advice)
    findings += _those(part, NOTE, 'frames', lambda facts: facts.frames > 1,
                       'hold several pictures: training takes the first')
    findings += _those(part, WARNING, 'blank', lambda facts: facts.blank,
                       'are blank: one color all over', 'Take them out of the data.')
    return findings + _left_out(part) + _orientation(part)


def _left_out(part: Part) -> List[Finding]:
    # Only beside images that are read: where a data set keeps its files is its own affair.
    folders = {osp.dirname(image) for image in part.images if isinstance(image, str)}
    return about(WARNING, 'left out', part.name, other_photos(folders),
                 'pictures beside them are of a kind that training does not read',
                 'Convert them to .jpg or .png.') + about(
        WARNING, 'loose', part.name, part.loose,
        'lie beside the class folders: training does not read them', ADVICE_LOOSE)


def _orientation(part: Part) -> List[Finding]:
    decoded = any(facts.content for facts in part.facts)
    findings = _those(part, NOTE, 'EXIF rotation',
                      lambda facts: facts.orientation != 1 and (facts.turned or not decoded),
                      'have an EXIF orientation: training turns them upright')
    return findings + _those(
        part, WARNING, 'EXIF rotation ignored',
        lambda facts: facts.orientation != 1 and not facts.turned and bool(facts.content),
        'have an EXIF orientation that the loader does not heed in their format: training sees '
        'them turned', 'Save them upright, without the EXIF entry.')


def _those(part: Part, severity: str, kind: str, test: Callable[[FileFacts], bool], text: str,
           advice: str = '') -> List[Finding]:
    names = [name for name, facts in zip(part.ids, part.facts) if not facts.error and test(facts)]
    return about(severity, kind, part.name, names, text, advice)
