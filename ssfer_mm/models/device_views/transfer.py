"""From the host to the device, without making either wait for the other."""
import torch
from torch import Tensor


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Copy a host tensor to ``device``.

    A GPU copies from ordinary memory only after it has caught up with its queue; from pinned
    memory the copy takes its place in the queue.
    """
    if device.type == 'cuda':
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
