"""GPUs as their data sheets declare them, and the shares of that which programs reach."""
from dataclasses import dataclass

from ssfer_mm.errors import UserError

from .cost import Device


@dataclass(frozen=True)
class Sheet:
    """Peaks from a maker's data sheet.

    Attributes:
        name: Of the product.
        teraflops: Dense products of 16-bit floats with sums of 32 bits, 1e12 per second.
        teraflops32: Of 32-bit floats, without TF32.
        gigabytes: Of memory, moved per second.
        link: Gigabytes per second to the other GPUs, in one direction.
    """
    name: str
    teraflops: float
    teraflops32: float
    gigabytes: float
    link: float


SHEETS = {
    'v100': Sheet('V100 SXM2', 125, 15.7, 900, 150),
    'a100': Sheet('A100 SXM 80 GB', 312, 19.5, 2039, 300),
    'h100': Sheet('H100 SXM', 989, 67, 3350, 450),
    'rtx4090': Sheet('RTX 4090, PCIe 4', 165, 82.6, 1008, 32),
}


@dataclass(frozen=True)
class Shares:
    """How much of the peaks counts as sustained: assumptions, until a GPU has been measured.

    Attributes:
        flops: Of the matrix rate, by the products of a ViT.
        bandwidth: Of the memory rate.
        link: Of the link's rate, by a ring reduction.
        call: Seconds of the host per operation, autograd included.
    """
    flops: float = 0.6
    bandwidth: float = 0.8
    link: float = 0.6
    call: float = 1e-5


ASSUMED = Shares()


def gpu(key: str, cores: float, shares: Shares = ASSUMED, precision: str = 'bfloat16') -> Device:
    """A GPU by its key in :data:`SHEETS`.

    Args:
        key: Such as ``'a100'``.
        cores: Processor cores of the host for each GPU.
        shares: Of the peaks.
        precision: ``'float32'``, or else 16 bits.

    Raises:
        UserError: There is no such key.
    """
    if key not in SHEETS:
        raise UserError(f'--devices {key}: unknown; there are data sheets of '
                        f'{", ".join(SHEETS)}. Take a similar one, or add yours to '
                        'ssfer_mm/profiling/devices.py')
    sheet = SHEETS[key]
    peak = sheet.teraflops32 if precision == 'float32' else sheet.teraflops
    return Device(sheet.name, shares.flops * 1e12 * peak,
                  shares.bandwidth * 1e9 * sheet.gigabytes, shares.call,
                  shares.link * 1e9 * sheet.link, cores)
