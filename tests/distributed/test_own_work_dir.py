"""Several processes are one training: where the first finds the folder taken, all end with that."""
from ssfer_mm.errors import UserError
from support.processes import together
from support.world import calm, end_of, two_stages


def refusal(cfg) -> str:
    try:
        end_of(cfg)
    except UserError as error:
        return str(error)
    return ''


def test_a_folder_with_checkpoints_is_refused_in_all(tmp_path):
    run = tmp_path / 'run'
    run.mkdir()
    (run / 'epoch_7.pth').touch()
    cfg = calm(two_stages(run, 2, epochs=(1, 1)))
    first, second = together(2, refusal, tmp_path / 'world', cfg)
    assert first == second and 'run holds a run, the newest checkpoint is epoch_7.pth' in first
    assert {path.name for path in run.iterdir()} == {'epoch_7.pth', '.running'}
