"""Tables: whatever a file is called, they can be read again."""
import csv
import json

import pytest

from ssfer_mm.inference.results import FaceResult, ImageResult
from ssfer_mm.inference.writers import csv_file, json_file

FACE = FaceResult((1., 2., 3., 4.), 0.9, dict(happiness=0.75, anger=0.25))


@pytest.mark.parametrize('name', [
    'plain.jpg', 'a,b.jpg', 'say "hi".jpg', 'new\nline.jpg', 'carriage\rreturn.jpg', 'both\r\n.jpg',
    'ends with\r', 'üñ 怒.jpg', '\x1b[31mred.jpg'])
def test_every_name_comes_back(tmp_path, name):
    results = [ImageResult(name, 'ok', (FACE, FACE), (9, 9)), ImageResult(name, 'no face')]
    table, document = str(tmp_path / 't.csv'), str(tmp_path / 't.json')
    with csv_file(table, ('happiness', 'anger')) as rows, json_file(document, {}) as entries:
        for result in results:
            rows.write(result)
            entries.write(result)
    with open(table, encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file, strict=True))
    assert [row['source'] for row in rows] == [name] * 3
    assert [row['label'] for row in rows] == ['happiness', 'happiness', '']
    with open(document, encoding='utf-8') as file:
        assert [entry['source'] for entry in json.load(file)['results']] == [name] * 2


def test_lines_of_a_csv_end_as_unix_has_it(tmp_path):
    with csv_file(str(tmp_path / 't.csv'), ('happiness', 'anger')) as rows:
        rows.write(ImageResult('a.jpg', 'ok', (FACE,)))
    assert b'\r' not in (tmp_path / 't.csv').read_bytes()
