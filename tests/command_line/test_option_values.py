"""What a user writes after ``KEY=`` is what a config gets, paths with blanks included."""
import pytest

from ssfer_mm.command_line.option_values import option_text, read_option
from ssfer_mm.command_line.parsers import train_parser
from ssfer_mm.errors import UserError


@pytest.mark.parametrize('text, value', [
    ('/my data', '/my data'), ('/my (old) data', '/my (old) data'), (' 5 ', 5),
    ("'/my data'", '/my data'), ('"a, b"', 'a, b'), ("'5'", '5'), ("it's so", "it's so"),
    ("['a, b', c, '1',2]", ['a, b', 'c', '1', 2]), ("('a b',[1, 'c,d'])", ('a b', [1, 'c,d'])),
    ('"[(1, a), [b]]"', [(1, 'a'), ['b']]),
    ('[/my data/train,/b]', ['/my data/train', '/b']), ('( a  b , (c d) )', ('a  b', ('c d', ))),
    ('/my data, /my (old) data', ['/my data', '/my (old) data']),
    ("[it's so, 'a, b']", ["it's so", 'a, b'])])
def test_text_keeps_blanks_and_in_quotes_everything(text, value):
    assert repr(read_option(text)) == repr(value)


@pytest.mark.parametrize('text', ['[1,2', '(1,2', '[a,(b]', 'dict(a=1,b=2)',
                                  '[dict(type="A",data_root="b")]', "[dict(type='A')]",
                                  "[{'type': 'A', 'interval': 5}]", "[{'type': 'A'}]",
                                  "{'type': 'A'}", '{"type":"A"}', "['a' b, 'c']"])
def test_what_is_no_value_is_said(text, capsys):
    with pytest.raises(SystemExit):
        train_parser().parse_args(['config.py', '--cfg-options', f'a.b={text}'])
    said = capsys.readouterr().err
    assert f'a.b: {text} cannot be given' in said and 'KEY.0.NAME=VALUE' in said


@pytest.mark.parametrize('text, alone', [('1e-3,', '1e-3'), ('a, b, ', 'a, b'), (',', '')])
def test_a_comma_at_the_end_is_told(text, alone, capsys):
    with pytest.raises(SystemExit):
        train_parser().parse_args(['config.py', '--cfg-options', f'optimizer.lr={text}'])
    said = capsys.readouterr().err
    assert f'optimizer.lr: {text.strip()} ends in a comma' in said and f'[{alone}]' in said


@pytest.mark.parametrize('text', [
    '1', '-1.5e-3', 'True', 'false', 'None', 'iou', '/a/b', 'a=b', '', '1,2,3', '1, 2', '[1, 2]',
    '(1,2)', '(1)', '[]', '()', '[a, None, 0.5]', '[(1, 2, 3), [a, b], c]', "'a','b'"])
def test_everything_else_is_what_mmengine_reads(text):
    from mmengine.config import DictAction
    assert repr(read_option(text)) == repr(DictAction._parse_iterable(text))


@pytest.mark.parametrize('value', [
    0.05, 1, None, True, 'iou', [1, 0.5], ['a/b', 'c'], (1, 2), [], (), '', '5', 'None', 'a,b',
    '/my data', '/my data, new', "it's, so", ' a ', "'", ['a b', 'c,d', '1', 1],
    [('a, b', 2), 'c'], '{:03d}.png', ['{}', 'x'], "{'a':1}"])
def test_options_survive_the_command_line(value):
    settings = [f'a.b={option_text(value)}', 'c=1']
    read = train_parser().parse_args(['config.py', '--cfg-options', *settings]).cfg_options
    assert repr(read) == repr({'a.b': value, 'c': 1})


@pytest.mark.parametrize('value, text', [
    (1e-5, '1e-05'), ('a(1)/b-c', 'a(1)/b-c'), ([1, ['a', None]], '[1,[a,None]]')])
def test_quotes_are_set_only_where_they_have_to_be(value, text):
    assert option_text(value) == text


def test_what_cannot_be_written_or_read_is_named(capsys):
    with pytest.raises(UserError, match='both kinds of quotes: choose another name'):
        option_text('"a", \'b\'')
    with pytest.raises(SystemExit):
        train_parser().parse_args(['config.py', '--cfg-options', 'a=1', 'words'])
    assert '--cfg-options words: expected KEY=VALUE' in capsys.readouterr().err


def test_options_add_up_and_the_last_one_counts():
    parse = train_parser().parse_args
    arguments = ['config.py', '--cfg-options', 'a=1', 'b=2', '--cfg-options', 'a=x=y']
    assert parse(arguments).cfg_options == {'a': 'x=y', 'b': 2}
    assert parse(['config.py']).cfg_options is None
