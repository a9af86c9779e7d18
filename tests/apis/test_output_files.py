"""Where a result cannot be written, that is said in a sentence, and before the work is done."""
import pytest

from ssfer_mm.apis.dataset import browse_synthfer, check_data, facemix_preview
from ssfer_mm.apis.faces import detect_faces, eval_face_detector
from ssfer_mm.apis.training import eval_cross
from ssfer_mm.apis.trials import cost_model, soak
from ssfer_mm.command_line.run import run_cli
from support.bright import bright_config, picture, save


def never(*_, **__):
    raise AssertionError('the work was begun')


@pytest.mark.parametrize('place, says', [
    ('folder', 'is a folder'), ('file/x.json', 'is a file')])
@pytest.mark.parametrize('tool, work, words', [
    (eval_cross, 'build_labeled', ['model.pth', '--out']),
    (eval_face_detector, 'PhotoFaces', ['--out']),
    (eval_face_detector, 'PhotoFaces', ['--sheet']),
    (cost_model, 'cost_model', ['configs/mae/mae_vit-micro-p8_synthfer-48px.py', '--json']),
    (soak, 'load_config', ['configs/mae/mae_vit-micro-p8_synthfer-48px.py', '--json'])])
def test_before_the_work(tmp_path, monkeypatch, capsys, place, says, tool, work, words):
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'file').write_text('mine')
    monkeypatch.setattr(tool, work, never)
    assert run_cli(lambda: tool.main([*words, str(tmp_path / place)])) == 2
    said = capsys.readouterr().err
    assert says in said and words[-1] in said
    assert (tmp_path / 'file').read_text() == 'mine'


SSFER = 'configs/ssfer/synthfer_5pct_vit-micro.py'


@pytest.mark.parametrize('name', ['sheet.xyz', 'sheet', 'boxes.csv'])
@pytest.mark.parametrize('tool, work, words', [
    (eval_face_detector, 'PhotoFaces', ['--sheet']),
    (detect_faces, 'list_images', ['photos', '--out', 'boxes.jsonl', '--preview']),
    (check_data, 'check_data', [SSFER, '--sheet']),
    (browse_synthfer, 'SynthFERGenerator', ['--out']),
    (facemix_preview, 'load_config', [SSFER, '--out'])])
def test_pictures_before_the_work(tmp_path, monkeypatch, capsys, name, tool, work, words):
    monkeypatch.setattr(tool, work, never)
    monkeypatch.setattr('sys.argv', ['tool', *words, str(tmp_path / name)])
    main = tool.facemix_main if tool is facemix_preview else tool.main
    assert run_cli(main) == 2
    said = capsys.readouterr().err
    assert 'give a .png or .jpg file' in said and words[-1] in said


def test_a_report_of_the_data_before_the_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(check_data, 'check_data', never)
    assert check_data.main([SSFER, '--json', str(tmp_path)]) == 2
    assert '--json' in capsys.readouterr().err


def test_a_preview_does_not_replace_a_photo(tmp_path, capsys):
    photo = tmp_path / 'photos' / 'a.png'
    save(photo, picture((100, 60), (40, 20, 60, 40)))
    before = photo.read_bytes()
    command = [str(photo.parent), '--out', str(tmp_path / 'boxes.jsonl'), '--detector',
               bright_config(tmp_path / 'detector.py'), '--preview']
    assert detect_faces.main([*command, str(photo)]) == 2
    assert 'would replace the photo' in capsys.readouterr().err
    assert photo.read_bytes() == before
    assert detect_faces.main([*command, str(tmp_path)]) == 2
    assert not (tmp_path / 'boxes.jsonl').exists()
    assert detect_faces.main([*command, str(tmp_path / 'sheet.png')]) == 0


@pytest.mark.parametrize('write', [
    lambda path: open(path, 'w'), lambda path: open(path / 'x', 'w').close() or open(
        path / 'x' / 'y', 'w'), lambda path: path.mkdir()])
def test_elsewhere_a_sentence_too(tmp_path, capsys, write):
    assert run_cli(lambda: write(tmp_path)) == 2
    assert str(tmp_path) in capsys.readouterr().err
