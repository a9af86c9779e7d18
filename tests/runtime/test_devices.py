import pytest

from ssfer_mm.apis.trials.replay_batch import main as replay_main
from ssfer_mm.errors import UserError
from ssfer_mm.faces.detectors.settings import detector_settings
from ssfer_mm.runtime.devices import check_device


def test_a_device_that_is_there():
    check_device('cpu')
    assert detector_settings('embedded', device='cpu')['device'] == 'cpu'


@pytest.mark.parametrize('device', ['toaster', 'cuda:99'])
def test_one_that_is_not_is_a_sentence_of_one_line(device):
    with pytest.raises(UserError, match=rf'--device {device} cannot be used \(.+\); use cpu$'):
        check_device(device)
    with pytest.raises(UserError, match=f'--device {device}'):
        detector_settings('embedded', device=device)


def test_a_batch_is_not_replayed_there_either():
    with pytest.raises(UserError, match='--device toaster'):
        replay_main(['nonfinite_iter_1_rank0.pth', '--device', 'toaster'])
