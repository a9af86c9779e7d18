"""The class orders, spelled out again from the paper's protocol table, not from the code."""
import pytest

from ssfer_mm import datasets as ds
from ssfer_mm import expressions as ex
from ssfer_mm.errors import UserError

TABLE = {
    'RAFDB': 'Anger Disgust Fear Happiness Neutral Sadness Surprise',
    'FERPlus': 'Neutral Happiness Sadness Surprise Fear Disgust Anger Contempt',
    'AffectNet': 'Neutral Happiness Sadness Surprise Fear Disgust Anger Contempt',
    'FER2013': 'Neutral Happiness Sadness Surprise Fear Disgust Anger',
}


@pytest.mark.parametrize('name', TABLE)
def test_class_order_is_that_of_the_released_weights(name):
    assert getattr(ds, name).METAINFO['classes'] == tuple(TABLE[name].lower().split())


def test_affectnet_7_is_the_beginning_of_affectnet_8():
    assert ex.AFFECTNET7 == ex.AFFECTNET8[:7] and ex.AFFECTNET8[7:] == ('contempt',)


@pytest.mark.parametrize('numbers, table', [
    (ex.RAFDB_NUMBERS, '1 Surprise 2 Fear 3 Disgust 4 Happy 5 Sad 6 Angry 7 Neutral'),
    (ex.AFFECTNET_NUMBERS,
     '0 Neutral 1 Happy 2 Sad 3 Surprise 4 Fear 5 Disgust 6 Anger 7 Contempt'),
    (ex.FER2013_NUMBERS, '0 Angry 1 Disgust 2 Fear 3 Happy 4 Sad 5 Surprise 6 Neutral'),
])
def test_raw_numbers_mean_what_the_datasets_say(numbers, table):
    words = table.split()
    assert numbers == {int(n): ex.canonical_name(w) for n, w in zip(words[::2], words[1::2])}


def test_vote_columns_are_those_of_the_label_files():
    assert ex.FERPLUS_VOTE_COLUMNS == tuple(
        'neutral happiness surprise sadness anger disgust fear contempt unknown NF'.split())


@pytest.mark.parametrize('text, name', [
    ('Happy', 'happiness'), ('HAPPINESS', 'happiness'), ('0_Angry', 'anger'), ('sad', 'sadness'),
    ('Suprise', 'surprise'), ('Surprised', 'surprise'), ('fearful', 'fear'),
    (' disgusted ', 'disgust'), ('Neutral', 'neutral'), ('contempt', 'contempt'),
])
def test_canonical_name(text, name):
    assert ex.canonical_name(text) == name


@pytest.mark.parametrize('text, close', [('angre', 'anger'), ('hapy', 'happiness'),
                                         ('3', 'neutral'), ('', 'neutral')])
def test_unknown_name_lists_the_closest(text, close):
    with pytest.raises(UserError, match=f'{text!r}.*{close}'):
        ex.canonical_name(text)
