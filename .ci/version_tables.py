"""The tables of versions in the documentation, from what ``make test-matrix`` found.

``docs/versions.json`` holds the rows; README.md and docs/versions.md show them between two
comments. Rows that were not run this time stay as they were.
"""
import json
import re
from pathlib import Path

RESULTS = 'docs/versions.json'
EXTRA = {'onedl': '`[onedl]`', 'openmmlab': '`[openmmlab]`'}
# Shown per row in docs/versions.md: whichever of these distributions the row has.
SHOWN = ('mmengine', 'mmcv', 'mmcv-lite', 'mmpretrain', 'mmdet', 'mmdetection')


def summary_table(rows):
    """The README's table: one line per row."""
    lines = ['| extra | Python | PyTorch | torchvision | NumPy | OpenCV | tests |',
             '|---|---|---|---|---|---|---|']
    for row in rows:
        found = row['versions']
        shown = [found.get(name, '') for name in
                 ('python', 'torch', 'torchvision', 'numpy', 'opencv-python')]
        shown[0] = shown[0] or row['python']
        lines.append(f'| {EXTRA[row["family"]]} | {" | ".join(shown)} | {verdict(row)} |')
    return '\n'.join(lines)


def verdict(row):
    """What came of a row, in a few words."""
    tests = row['tests']
    if row['outcome'] == 'not run':
        return f'not run: {row["why"]}'
    if row['outcome'] == 'failed' and not tests.get('failed'):
        return f'**failed**: {row["why"]}'
    counts = [f'**{tests["failed"]} failed**'] * bool(tests['failed'])
    counts += [f'{tests["passed"]} passed']
    if tests.get('again'):
        counts[-1] += f' ({tests["again"]} of them when run again)'
    counts += [f'{tests["skipped"]} skipped'] * bool(tests['skipped'])
    return ', '.join(counts) + (' (fast subset)' if row['suite'] == 'fast' else '')


def detail_table(rows):
    """docs/versions.md: the row's name, its packages, how long, when, at which commit."""
    lines = ['| row | OpenMMLab packages | minutes | date | commit |', '|---|---|---|---|---|']
    for row in rows:
        packages = [f'{name} {version}' for name, version in sorted(row['versions'].items())
                    if name.replace('onedl-', '') in SHOWN]
        minutes = row['tests'].get('minutes', '')
        lines.append(f'| `{row["row"]}` | {", ".join(packages)} | {minutes} | {row["date"]} | '
                     f'{row["commit"] or ""} |')
    return '\n'.join(lines)


def skip_list(rows):
    """docs/versions.md: which tests were skipped where, and why."""
    lines = [f'- `{row["row"]}`: {reason}' for row in rows
             for reason in row['tests'].get('skipped_because', [])]
    return '\n'.join(lines) or 'None.'


def documents(rows):
    """File -> {name of the part between two comments: its text}."""
    return {'README.md': {'versions': summary_table(rows)},
            'docs/versions.md': {'versions': summary_table(rows), 'rows': detail_table(rows),
                                 'skipped': skip_list(rows)}}


def filled_in(text, parts):
    """The text with each part between ``<!-- NAME -->`` and ``<!-- end of NAME -->`` replaced.

    Raises:
        ValueError: A part has no place.
    """
    for name, content in parts.items():
        between = re.compile(f'(<!-- {name} -->\n).*?(<!-- end of {name} -->)', re.DOTALL)
        if not between.search(text):
            raise ValueError(f'no <!-- {name} --> ... <!-- end of {name} --> to write the table to')
        text = between.sub(lambda found: f'{found[1]}{content}\n{found[2]}', text)  # noqa: B023
    return text


def read_rows(root):
    """The rows of the documentation, in order; [] before the first."""
    path = Path(root) / RESULTS
    return json.loads(path.read_text(encoding='utf-8')) if path.is_file() else []


def write_tables(root, blank, results):
    """Put new results among the rows and write all tables.

    Args:
        root: The source tree.
        blank: Every row, in order, as if it was never run; others are dropped.
        results: Row name -> result, of the rows that were run.
    """
    root = Path(root)
    known = {**{row['row']: row for row in read_rows(root)}, **results}
    rows = [known.get(row['row'], row) for row in blank]
    (root / RESULTS).write_text(json.dumps(rows, indent=1) + '\n', encoding='utf-8')
    for name, parts in documents(rows).items():
        path = root / name
        path.write_text(filled_in(path.read_text(encoding='utf-8'), parts), encoding='utf-8')
