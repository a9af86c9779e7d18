"""What ``tools/cost_model.py`` prints."""
from typing import Optional

from ssfer_mm.command_line.printing import counted, duration

HEADS = ('device', 'networks', 'host calls', 'input', 'gradients', 'step', 'bound by', 'images/s',
         'days', 'GPU-hours', 'per worker', 'disk')


def show(result: dict) -> None:
    """Print a prediction and all that it takes for granted."""
    training = result['training']
    print(f'{result["config"]}, {result["precision"]}: {training["images"]:,} images x '
          f'{training["epochs"]} epochs, {training["processes"]} GPU(s) x {training["batch"]} '
          f'images\n')
    for line in _table([HEADS, *(_row(result, key) for key in result['devices'])]):
        print(line)
    print()
    for line in notes(result):
        print(line)


def _row(result: dict, key: str) -> tuple:
    cost, training = result['devices'][key], result['training']
    device = cost['device']
    calls = training['work']['per_step']['operations'] * device['call']
    return (device['name'], _ms(cost['networks']), _ms(calls), _ms(cost['loading']),
            _ms(cost['reduction']), _ms(cost['step']), cost['bound'],
            f'{cost["images_per_second"]:,.0f}', _small(cost['total'] / 86400, 2),
            _small(cost['device_hours']), f'{cost["needed_per_worker"]:,.0f}/s',
            f'{cost["reading"] / 1e6:,.0f} MB/s')


def notes(result: dict) -> list[str]:
    """What was counted, what was measured, and what is assumed."""
    training, image, shares = result['training'], result['image'], result['shares']
    work = training['work']
    each, step = work['per_image'], work['per_step']
    costs = list(result['devices'].values())
    most = max(costs, key=lambda cost: cost['kept'])
    return [
        f'Counted: {each["flops"] / 1e9:.2f} GFLOP of matrix products and '
        f'{each["bytes"] / 1e6:.1f} MB moved by all else per image, forward and backward;',
        f'  {step["bytes"] / 1e9:.2f} GB and {step["operations"]:,.0f} operations more per step; '
        f'{training["parameters"]:,} weights; {training["steps"]:,} steps per epoch.',
        _input_note(image, result),
        f'Assumed: {shares["flops"]:.0%} of the declared matrix rate, '
        f'{shares["bandwidth"]:.0%} of the memory rate, {shares["link"]:.0%} of the link;',
        f'  {1e6 * shares["call"]:.0f} us of the host per operation, beside the GPU; nothing '
        'compiled or fused, all else moved in float32;',
        '  gradients travel in float32 beside the backward pass (two thirds of the networks); '
        'no process lags;',
        f'  checkpoints of {_bytes(training["checkpoint_bytes"])} every '
        f'{training["save_every"]:.3g} epochs{_clock(training["save_minutes"])}, '
        f'all waiting, at {result["write_rate"] / 1e6:,.0f} MB/s; no validation in stage I.',
        f'Storage: {_bytes(most["storage"])}, the images once and '
        f'{counted(most["kept"], "checkpoint")}.',
        'If matrix products were half / 1.5 times as fast: ' + '; '.join(
            f'{cost["device"]["name"]} ' + ' / '.join(
                duration(seconds) for seconds in cost['total_if_matrices_were'].values())
            for cost in costs) + '.',
        '"per worker": images per second that each of the loader processes must make, or the GPU '
        'waits.']


def _clock(minutes: Optional[float]) -> str:
    return f', or after {minutes:g} minutes if that is sooner' if minutes is not None else ''


def _input_note(image: dict, result: dict) -> str:
    source = (f'Measured here, {image["measured_on"]} images' if image['measured_on']
              else 'Given (--faces FOLDER measures)')
    return (f'{source}: a worker makes {1 / image["seconds"]:.0f} images/s of '
            f'{image["bytes"] / 1e3:.1f} kB; {result["workers"]} workers and {result["cores"]:g} '
            'cores per GPU.')


def _table(rows: list[tuple]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    return ['  '.join(text.ljust(width) if column in (0, 6) else text.rjust(width)
                      for column, (text, width) in enumerate(zip(row, widths))).rstrip()
            for row in rows]


def _bytes(number: float) -> str:
    for unit, size in (('TB', 1e12), ('GB', 1e9), ('MB', 1e6)):
        if number >= size:
            return f'{number / size:.1f} {unit}'
    return f'{number:.0f} bytes'


def _small(number: float, digits: int = 0) -> str:
    """Two digits that count, however small: a run of minutes costs more than 0.00 days."""
    return f'{number:,.{digits}f}' if number >= 10 ** (1 - digits) else f'{number:.2g}'


def _ms(seconds: float) -> str:
    return f'{1e3 * seconds:.1f} ms'
