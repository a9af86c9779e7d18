"""The one table of expression classes: every dataset's class order and raw numbering.

Class order is the classic silent error of this field, since every dataset numbers the same
faces differently. Nothing else in the package spells a class list out: import it from here.
The orders are those of the released SSFER weights (arXiv 2410.17622).
"""
import difflib
import re

from ssfer_mm.errors import UserError

RAFDB7 = ('anger', 'disgust', 'fear', 'happiness', 'neutral', 'sadness', 'surprise')
FERPLUS8 = ('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'disgust', 'anger', 'contempt')
AFFECTNET7 = ('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'disgust', 'anger')
AFFECTNET8 = AFFECTNET7 + ('contempt',)
FER2013_7 = AFFECTNET7
SYNTHFER8 = FERPLUS8
# By the names that users type; the released SSFER weights of a data set have its order.
CLASSES_OF = {'rafdb': RAFDB7, 'ferplus': FERPLUS8, 'affectnet7': AFFECTNET7,
              'affectnet8': AFFECTNET8}

# What the datasets' own files say, in their numbering.
RAFDB_NUMBERS = {1: 'surprise', 2: 'fear', 3: 'disgust', 4: 'happiness', 5: 'sadness', 6: 'anger',
                 7: 'neutral'}
AFFECTNET_NUMBERS = dict(enumerate(AFFECTNET8))
AFFECTNET_NON_EXPRESSIONS = {8: 'none', 9: 'uncertain', 10: 'no-face'}
FER2013_NUMBERS = dict(enumerate(
    ('anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral')))
FERPLUS_VOTE_COLUMNS = ('neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear',
                        'contempt', 'unknown', 'NF')

_SYNONYMS = {
    'neutral': ('neutrality', 'calm'),
    'happiness': ('happy', 'hapiness', 'happyness', 'joy', 'joyful', 'smile'),
    'sadness': ('sad',),
    'surprise': ('surprised', 'suprise', 'suprised', 'surprize'),
    'fear': ('fearful', 'afraid', 'scared'),
    'disgust': ('disgusted',),
    'anger': ('angry',),
    'contempt': ('contemptuous', 'contemptful', 'scorn'),
}
_CANONICAL = {word: name for name, words in _SYNONYMS.items() for word in (name, *words)}


def canonical_name(text: str) -> str:
    """Give the canonical class name for a folder or column name.

    Case, digits and punctuation are ignored, so ``'0_Happy'`` and ``'Happiness'`` agree.

    Args:
        text (str): A name as users and datasets write it.

    Returns:
        str: One of :data:`AFFECTNET8`.

    Raises:
        UserError: The name is not an expression; the message lists the closest names.

    Example:
        >>> canonical_name('Suprise'), canonical_name('Angry')
        ('surprise', 'anger')
    """
    word = re.sub(r'[^a-z]', '', text.lower())
    if word in _CANONICAL:
        return _CANONICAL[word]
    close = difflib.get_close_matches(word, _CANONICAL, n=3, cutoff=0.6)
    names = sorted({_CANONICAL[match] for match in close}) or list(AFFECTNET8)
    raise UserError(f'Unknown expression {text!r}; the closest names are: {", ".join(names)}. '
                    'Rename it to one of these.')
