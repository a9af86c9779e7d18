"""Faces without labels: some may be damaged, but each is counted and named."""
from ssfer_mm import datasets as ds
from ssfer_mm.errors import UserError
from ssfer_mm.transforms import LoadFace, PackImage
from support import layouts
from support.refusals import refuses


def test_skips_to_the_next_readable_image_and_warns_once(tmp_path, monkeypatch):
    names = layouts.make_unlabeled(tmp_path, 4)
    for broken in names[1:3]:
        (tmp_path / broken).write_bytes(b'not an image')
    said = []
    monkeypatch.setattr('ssfer_mm.datasets.unreadable.print_log',
                        lambda text, **_: said.append(text))
    dataset = ds.UnlabeledFaces(str(tmp_path), pipeline=[LoadFace()])
    assert [dataset[1]['img_path'] for _ in range(2)] == [str(tmp_path / names[3])] * 2
    assert len(said) == 2 and names[1] in said[0] and '2 skipped' in said[1]
    with refuses(names[1]):
        ds.UnlabeledFaces(str(tmp_path), pipeline=[LoadFace()], on_unreadable='error')[1]


def test_names_what_it_skipped_for_the_list(tmp_path):
    names = layouts.make_unlabeled(tmp_path, 4)
    for broken in names[1:3]:
        (tmp_path / broken).write_bytes(b'not an image')
    dataset = ds.UnlabeledFaces(str(tmp_path), pipeline=[LoadFace(), PackImage()])
    assert dataset[1]['data_samples'].unreadable == tuple(str(tmp_path / n) for n in names[1:3])
    assert dataset[3]['data_samples'].unreadable == ()


def test_stops_past_a_share_of_unreadable_images(tmp_path):
    names = layouts.make_unlabeled(tmp_path, 20)
    (tmp_path / names[7]).write_bytes(b'not an image')
    said = {}
    for share in (0.06, 0.04):
        dataset = ds.UnlabeledFaces(str(tmp_path), pipeline=[LoadFace()], max_unreadable=share)
        try:
            for index in range(200):
                said[share] = dataset[index % 20]['img_path']
        except UserError as error:
            said[share] = str(error)
    # One of 20.
    assert said[0.06] == str(tmp_path / names[19])
    assert '6 of 108 images read' in said[0.04] and names[7] in said[0.04]
    with refuses('max_unreadable must be a number in [0, 1], got 2'):
        ds.UnlabeledFaces(str(tmp_path), max_unreadable=2)


def test_counts_a_row_of_damaged_images_once(tmp_path):
    """As a copy leaves it that broke off. Each of the row has all behind it as its substitutes."""
    names = layouts.make_unlabeled(tmp_path, 120)
    for broken in names[10:16]:
        (tmp_path / broken).write_bytes(b'')
    settings = dict(pipeline=[LoadFace()], max_unreadable=0.055)
    dataset = ds.UnlabeledFaces(str(tmp_path), **settings)
    paths = [dataset[index]['img_path'] for index in range(120)]
    assert paths[10:16] == [str(tmp_path / names[16])] * 6
    (tmp_path / names[16]).write_bytes(b'')
    with refuses('7 images in a row, of 120', 'max_unreadable=0.055'):
        ds.UnlabeledFaces(str(tmp_path), **settings)[10]


def test_with_nothing_readable_stops(tmp_path):
    (tmp_path / 'a.jpg').write_bytes(b'x')
    with refuses('none of the 1 images'):
        ds.UnlabeledFaces(str(tmp_path), pipeline=[LoadFace()])[0]


def test_does_not_hide_other_errors(tmp_path):
    layouts.make_unlabeled(tmp_path, 2)

    def wrong(results):
        raise UserError('the pipeline is wrong')
    with refuses('the pipeline is wrong'):
        ds.UnlabeledFaces(str(tmp_path), pipeline=[wrong])[0]


def test_roots_must_not_overlap(tmp_path):
    layouts.make_unlabeled(tmp_path / 'x', 4)
    with refuses('twice'):
        ds.UnlabeledFaces([str(tmp_path / 'x'), str(tmp_path / 'x' / 'a')])


def test_has_no_labels_to_split(tmp_path):
    layouts.make_unlabeled(tmp_path, 2)
    with refuses('no labels'):
        ds.UnlabeledFaces(str(tmp_path)).labels()
