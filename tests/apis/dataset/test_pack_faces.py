"""tools/pack_faces.py: the same images in shards, whatever stops it on the way."""
import json
import os
import tarfile

import pytest

from ssfer_mm.apis.dataset import pack_faces
from ssfer_mm.apis.dataset.pack_faces import main, source_config, verify
from ssfer_mm.datasets.sources import TarShards, build_source
from ssfer_mm.errors import UserError
from support import stores

COUNT = 23


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path_factory.mktemp('cache')))


@pytest.fixture
def images():
    return [stores.jpeg(10 * number) for number in range(COUNT)]


def read_all(source):
    return [source.read(index) for index in range(len(source))]


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_kinds_come_out_as_they_went_in(tmp_path, images, capsys):
    inputs = [cfg['path'] for kind, cfg in stores.write_all(tmp_path, images).items()
              if kind != 'LMDB']
    out = tmp_path / 'out'
    assert main([*inputs, '--out', str(out), '--images-per-shard', '10', '--decode']) == 0
    assert f'{4 * COUNT} images in 10 shards' in capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        *(f'faces-{k:06d}.tar' for k in range(10)), 'faces.index', 'manifest.jsonl']
    assert read_all(TarShards(out)) == 4 * images
    with tarfile.open(out / 'faces-000000.tar') as archive:
        assert archive.getnames()[1] == '000000001_folder_id_000_0001.jpg'
    assert main(['--verify', str(out)]) == 0
    assert 'match their checksums' in capsys.readouterr().out


def test_packed_anew_it_is_indexed_anew(tmp_path, images):
    """Shards of before may have had the same names and sizes."""
    out, size = tmp_path / 'out', max(map(len, images))
    images = [data.ljust(size, b'\0') for data in images]
    for number, some in enumerate((images, images[::-1])):
        source = stores.write_folder(tmp_path / f'faces{number}', some)
        assert main([str(source), '--out', str(out), *['--overwrite'] * number]) == 0
        assert read_all(TarShards(out)) == some


def test_stopped_anywhere_it_ends_with_the_same_bytes(tmp_path, images, monkeypatch, capsys):
    source = stores.write_folder(tmp_path / 'faces', images)
    whole, out = tmp_path / 'whole', tmp_path / 'out'
    command = [str(source), '--images-per-shard', '4', '--out']
    assert main([*command, str(whole)]) == 0
    check, seen = pack_faces.check_image, []

    def interrupt(data, name):
        seen.append(name)
        if len(seen) in (2, 11, 13):
            raise KeyboardInterrupt
        check(data, name)

    monkeypatch.setattr(pack_faces, 'check_image', interrupt)
    statuses = [main([*command, str(out)]) for _ in range(4)]
    assert statuses == [130, 130, 130, 0]
    assert 'Go on with' in capsys.readouterr().err
    assert len(seen) < COUNT + 3 * 4, 'finished shards are not packed again'
    assert files(out) == files(whole)
    (out / 'faces-000003.tar').write_bytes(b'cut off')
    assert main([*command, str(out)]) == 0 and files(out) == files(whole)


def test_what_a_killed_call_left_half_written_is_removed(tmp_path, images):
    source, out = stores.write_folder(tmp_path / 'faces', images), tmp_path / 'out'
    out.mkdir()
    for name in ('.faces-000001.tarx9_x999n', '.faces-1.tarx9_x999n', 'notes.txt'):
        (out / name).write_bytes(b'half')
    assert main([str(source), '--out', str(out)]) == 0
    left = {path.name for path in out.iterdir()}
    assert '.faces-000001.tarx9_x999n' not in left
    assert {'.faces-1.tarx9_x999n', 'notes.txt', 'faces-000000.tar'} <= left


def test_unreadable_images_are_left_out_named_and_limited(tmp_path, images, capsys):
    spoilt = [b'no image' if number == 7 else data for number, data in enumerate(images)]
    source = stores.write_folder(tmp_path / 'faces', spoilt)
    out = tmp_path / 'out'
    assert main([str(source), '--out', str(out)]) == 0
    assert '1 images could not be read' in capsys.readouterr().out
    line = json.loads((out / 'manifest.jsonl').read_text().splitlines()[1])
    assert line['images'] == COUNT - 1 and line['unreadable'] == ['faces/id_001/0007.jpg']
    many = stores.write_folder(tmp_path / 'many', [*images * 4, *[b'x'] * 20])
    assert main([str(many), '--out', str(tmp_path / 'no')]) == 2
    assert 'more than --max-unreadable 0.05' in capsys.readouterr().err


def test_a_handful_of_images_may_not_be_unreadable_either(tmp_path, images, capsys):
    source = stores.write_folder(tmp_path / 'faces', [*images[:6], b'x', b'y'])
    command = [str(source), '--out', str(tmp_path / 'out'), '--images-per-shard', '4']
    for _ in range(2):  # the second call finds all shards done
        assert main(command) == 2
        output = capsys.readouterr()
        assert '2 of 8 images are unreadable' in output.err and 'Train on them' not in output.out
    assert main(['--verify', str(tmp_path / 'out')]) == 2
    for share in ('5', '-1', 'nan'):
        assert main([*command, '--max-unreadable', share]) == 2
        assert 'expected a share in 0-1' in capsys.readouterr().err
    assert main([*command, '--max-unreadable', '0.25']) == 0
    assert '6 images in 2 shards' in capsys.readouterr().out
    assert main(command) == 2, 'finished before, but not under this limit'


def test_a_changed_shard_is_found(tmp_path, images):
    source, out = stores.write_folder(tmp_path / 'faces', images), tmp_path / 'out'
    main([str(source), '--out', str(out), '--images-per-shard', '10'])
    stores.flip(out / 'faces-000001.tar', images[12], place=100)
    with pytest.raises(UserError, match='1 of 3 shards .* faces-000001.tar'):
        verify(str(out))
    with pytest.raises(UserError, match='is not a manifest'):
        verify(str(tmp_path))


def test_other_images_or_files_are_not_mixed_in(tmp_path, images, capsys):
    source, out = stores.write_folder(tmp_path / 'faces', images), tmp_path / 'out'
    main([str(source), '--out', str(out), '--images-per-shard', '10'])
    other = stores.write_folder(tmp_path / 'other', images[:5])
    for command, says in (([str(source), '--images-per-shard', '5'], 'was made with'),
                          ([str(source), '--images-per-shard', '12'], 'was made with'),
                          ([str(other)], 'was begun with other images'),
                          ([str(other), '--overwrite'], 'holds 2 other tar files'),
                          ([], 'Give what to pack')):
        assert main([*command, '--out', str(out)]) == 2
        assert says in capsys.readouterr().err


@pytest.fixture
def stopped(tmp_path, images, monkeypatch):
    """The command, and its folders, stopped after two of six shards."""
    source, out = stores.write_folder(tmp_path / 'faces', images), tmp_path / 'out'
    command = [str(source), '--images-per-shard', '4', '--out', str(out)]
    with monkeypatch.context() as patch:
        shards = iter([pack_faces.write_shard] * 2)

        def write(*args):
            try:
                return next(shards)(*args)
            except StopIteration:
                raise KeyboardInterrupt from None

        patch.setattr(pack_faces, 'write_shard', write)
        assert main(command) == 130
    return command, source, out


def rename(source):
    (source / 'id_001/0005.jpg').rename(source / 'id_001/0005b.jpg')


def replace(source):
    (source / 'id_001/0005.jpg').write_bytes(stores.jpeg(5, size=80))


def add(source):
    (source / 'id_009').mkdir()
    (source / 'id_009/0099.jpg').write_bytes(stores.jpeg(5))


@pytest.mark.parametrize('change, says', [
    (rename, 'some with other names or sizes'), (replace, 'some with other names or sizes'),
    (add, "23 from 'faces/id_000/0000.jpg' to 'faces/id_005/0022.jpg' then, 24 from")])
def test_it_does_not_go_on_with_other_images(stopped, change, says, capsys):
    command, source, out = stopped
    before = files(out)
    change(source)
    assert main(command) == 2
    said = capsys.readouterr().err
    assert says in said and '--overwrite' in said and files(out) == before
    assert main([*command, '--overwrite']) == 0
    assert len(TarShards(out)) == len(build_source(source_config(str(source))))


def test_a_manifest_of_a_former_version_is_gone_on_with(stopped, monkeypatch):
    said = []
    monkeypatch.setattr('ssfer_mm.apis.dataset.packed_images.print_log',
                        lambda text, **how: said.append(text))
    command, _, out = stopped
    manifest = out / 'manifest.jsonl'
    first, *lines = manifest.read_text().splitlines()
    header = json.loads(first)
    assert len(header.pop('names_and_sizes')) == 64
    manifest.write_text('\n'.join([json.dumps(header), *lines]) + '\n')
    assert main(command) == 0
    assert len(said) == 1 and 'is of a former version' in said[0]
    assert 'names_and_sizes' not in json.loads(manifest.read_text().splitlines()[0])
    assert len(verify(str(out))) == 6


def test_what_a_path_holds(tmp_path, images):
    pytest.importorskip('lmdb')
    for kind, cfg in stores.write_all(tmp_path, images).items():
        assert source_config(cfg['path']) == dict(type=kind, path=cfg['path'])
        assert len(build_source(source_config(cfg['path']))) == COUNT
    assert source_config(str(tmp_path / 'rec'))['type'] == 'RecordIO'


def test_a_folder_of_archives_and_other_images_could_mean_either(tmp_path, images, capsys):
    folder = stores.write_folder(tmp_path / 'faces', images)
    stores.write_zip(folder / 'downloaded.zip', images[:2])
    for place in (folder, folder / 'id_000'):
        os.replace(next(folder.rglob('*.zip')), place / 'downloaded.zip')
        assert main([str(place), '--out', str(tmp_path / 'shards')]) == 2
        assert 'holds archives (.zip) beside other images' in capsys.readouterr().err


def test_shards_are_not_packed_over_themselves(tmp_path, images, capsys):
    folder = stores.write_folder(tmp_path / 'faces', images)
    shards = tmp_path / 'shards'
    assert main([str(folder), '--out', str(shards)]) == 0
    before = files(shards)
    for source in (shards, shards / 'faces-000000.tar'):
        assert main([str(source), '--out', str(shards), '--overwrite',
                     '--images-per-shard', '5']) == 2
        assert 'choose another --out' in capsys.readouterr().err
        assert files(shards) == before
    # The second call would take the shards of the first for what is to be packed.
    assert main([str(folder), '--out', str(folder)]) == 2
    assert not list(folder.glob('*.tar'))


def test_shards_without_a_manifest_are_not_replaced_unasked(tmp_path, images, capsys):
    folder = stores.write_folder(tmp_path / 'faces', images)
    out = tmp_path / 'out'
    out.mkdir()
    (out / 'faces-000000.tar').write_bytes(b'of somebody else')
    assert main([str(folder), '--out', str(out)]) == 2
    said = capsys.readouterr().err
    assert 'faces-000000.tar' in said and '--overwrite' in said
    assert files(out) == {'faces-000000.tar': b'of somebody else'}
    assert main([str(folder), '--out', str(out), '--overwrite']) == 0


def test_what_is_there_and_no_folder_is_said_so(tmp_path, capsys):
    note = tmp_path / 'note.txt'
    note.write_text('words')
    assert main([str(note), '--out', str(tmp_path / 'out')]) == 2
    said = capsys.readouterr().err
    assert f'{str(note)!r} is a file, expected a folder of images' in said and '.zip' in said
    for place, why in ((tmp_path, 'No such file or directory'), (note, 'Not a directory')):
        assert main(['--verify', str(place)]) == 2
        said = capsys.readouterr().err
        assert f'({why}); give the folder' in said
        assert 'Errno' not in said and said.count(str(place)) == 1
