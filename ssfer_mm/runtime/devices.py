"""Where tensors can be."""
import torch

from ssfer_mm.errors import UserError, one_line


def check_device(device: str) -> None:
    """Refuse a device that tensors cannot be put on.

    Args:
        device: As torch names it, such as ``'cuda:0'``.

    Raises:
        UserError: No such device, or none that works.
    """
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = one_line(str(error).strip().split('\n', 1)[0])
        raise UserError(f'--device {device} cannot be used ({reason}); use cpu') from error
