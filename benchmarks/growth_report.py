"""The tables and the picture of ``growth.py``."""
from collections.abc import Sequence
from pathlib import Path

CLOCKS = dict(wall='seconds', cpu='seconds of processor time, all processes')
MEASURED, PREDICTED = dict(color='C0', marker='o'), dict(color='C1', linestyle='--', marker='x')


def tables(result: dict) -> str:
    """Markdown: everything measured, and what the model makes of it."""
    machine = result['machine']
    device = result['device']
    clean = [abs(row['error']) for row in result['compared'] if not row['fitted']]
    parts = [
        f'{machine["processor"]}, torch {machine["torch"]}, one thread and one loader process per '
        'training process. Fitted rates: '
        f'{device["flops"] / 1e9:.0f} GFLOP/s, {device["bandwidth"] / 1e9:.1f} GB/s, '
        f'{1e6 * device["call"]:.1f} us per operation. Predictions that were not fitted are off by '
        f'{100 * sum(clean) / len(clean):.0f} % on average, {100 * max(clean):.0f} % at most.',
        _table(('step', 'weights', 'GFLOP per image', 'MB moved per image', 'ms per image',
                'main process, MiB'), [
            (row['name'], f'{row["parameters"] / 1e6:.2f} M',
             f'{row["work"]["per_image"]["flops"] / 1e9:.3f}',
             f'{row["work"]["per_image"]["bytes"] / 1e6:.1f}',
             f'{row["step_ms"]["wall"] / row["batch"]:.2f} '
             f'({row["step_ms"]["cpu"] / row["batch"]:.2f} CPU)',
             f'{row["memory_mib"]["main"]:.0f}') for row in result['steps']]),
        _table(('predicted', 'measured', 'predicted', 'error', ''), [
            (row['name'], _seconds(row['measured']), _seconds(row['predicted']),
             f'{100 * row["error"]:+.0f} %', 'fitted' if row['fitted'] else '')
            for row in result['compared']])]
    for part, (heads, line) in LINES.items():
        if part in result:
            parts.append(_table(heads, [line(row) for row in result[part]]))
    return '\n\n'.join(parts) + '\n'


LINES = dict(
    epochs=(('images', 'epoch', 'CPU', 'main process', 'loader process'), lambda row: (
        f'{row["images"]:,}', f'{row["seconds"]:.1f} s', f'{row["cpu"]:.1f} s',
        f'{row["main_mib"]:.0f} MiB', f'{row["workers_mib"]:.0f} MiB')),
    memory=(('images', 'kept in', 'main process', 'loader process'), lambda row: (
        f'{row["images"]:,}', row['kind'], f'{row["main_mib"]:.0f} MiB',
        f'{row["workers_mib"]:.0f} MiB')),
    processes=(('processes', 'images/s', 'CPU per epoch'), lambda row: (
        str(row['processes']), f'{row["images_per_second"]:.0f}', f'{row["cpu"]:.1f} s')))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ['---'] * len(heads), *rows]
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _seconds(value: float) -> str:
    return f'{value:.1f} s' if value >= 10 else f'{1e3 * value:,.0f} ms'


def in_processes(number: int) -> str:
    """``'1 process'``, ``'2 processes'``."""
    return f'{number} process' + 'es' * (number > 1)


def draw(result: dict, path: Path) -> None:
    """What grows with images, processes, pixels, weights and batch, and how well it is met."""
    import matplotlib
    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    drawn = [panel for part, panel in PANELS if part in result]
    columns = -(-len(drawn) // 2)
    figure, panels = plt.subplots(2, columns, figsize=(5 * columns, 8.5), layout='constrained')
    for axes in panels.flat[len(drawn):]:
        axes.remove()
    for axes, panel in zip(panels.flat, drawn):
        panel(axes, result)
        if axes.get_yscale() == 'log' and panel is not _agreement:
            axes.yaxis.set_major_formatter('{x:g}')
            axes.yaxis.set_minor_formatter('{x:g}')
        axes.grid(alpha=.3, which='both' if axes.get_xscale() == 'log' else 'major')
    figure.suptitle(f'Stage I, small MAEs on {result["machine"]["processor"]}: measured, and '
                    'predicted from counted arithmetic')
    figure.savefig(path, dpi=110, metadata={'Software': None})
    plt.close(figure)


def _epochs(axes, result: dict) -> None:
    compared = {row['name']: row for row in result['compared']}
    images = [row['images'] for row in result['epochs']]
    rows = [compared[f'epoch of {count:,} images'] for count in images]
    for what, style in (('measured', MEASURED), ('predicted', PREDICTED)):
        axes.loglog(images, [row[what] for row in rows], label=what, **style)
    axes.set(title='Time per epoch', xlabel='images', ylabel=CLOCKS[result['clock']])
    axes.set_xticks(images, [f'{count:,}' for count in images])
    axes.xaxis.minorticks_off()
    axes.legend()


def _memory(axes, result: dict) -> None:
    for index, (kind, name) in enumerate(dict(folder='folder', recordio='RecordIO').items()):
        rows = [row for row in result['memory'] if row['kind'] == kind]
        for key, what, style in (('main_mib', 'main process', 'o-'),
                                 ('workers_mib', 'loader process', 's--')):
            axes.semilogx([row['images'] for row in rows], [row[key] for row in rows], style,
                          color=f'C{index}', label=f'{name}, {what}')
    axes.set(title='Memory of its own of each process', xlabel='images', ylabel='MiB')
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8)


def _processes(axes, result: dict) -> None:
    compared = {row['name']: row for row in result['compared']}
    for row in result['processes']:
        number = row['processes']
        name, = [name for name in compared if name.endswith(f', {in_processes(number)}')]
        images = row['images_per_second'] * row['seconds']
        for shift, what, color in ((-.2, 'measured', 'C0'), (.2, 'predicted', 'C1')):
            rate = images / compared[name][what]
            axes.bar(number + shift, rate, .38, color=color, label=what if number == 1 else None)
            axes.text(number + shift, rate, f'{rate:.0f}', ha='center', va='bottom')
    axes.set(title='Throughput, the same joint batch', xlabel='processes, one thread each',
             ylabel='images / ' + CLOCKS[result['clock']].replace('seconds', 'second'),
             xticks=[row['processes'] for row in result['processes']])
    axes.margins(y=.12)
    axes.legend(loc='upper left')


def _per_image(axes, result: dict, names: Sequence[str], key: str) -> None:
    steps = {row['name']: row for row in result['steps']}
    compared = {row['name']: row for row in result['compared']}
    names = sorted(names, key=lambda name: steps[name][key])
    for what, style in (('measured', MEASURED), ('predicted', PREDICTED)):
        axes.loglog([steps[name][key] for name in names],
                    [1e3 * compared[name][what] / steps[name]['batch'] for name in names],
                    label=what, **style)
    axes.set(ylabel='ms per image')
    axes.legend()


def _pixels(axes, result: dict) -> None:
    names = [row['name'] for row in result['steps']
             if (row['width'], row['depth']) == (128, 6) and row['batch'] >= 64]
    _per_image(axes, result, names, 'pixels')
    pixels = sorted({row['pixels'] for row in result['steps']})
    axes.set_xticks(pixels, [str(value) for value in pixels])
    axes.xaxis.minorticks_off()
    axes.set(title='Image size (128 wide, 6 deep)', xlabel='pixels per side')


def _weights(axes, result: dict) -> None:
    rows = [row for row in result['steps'] if row['pixels'] == 48 and row['batch'] >= 64]
    _per_image(axes, result, [row['name'] for row in rows], 'parameters')
    for row in rows:
        axes.annotate(f'{row["width"]} x {row["depth"]}',
                      (row['parameters'], row['step_ms'][result['clock']] / row['batch']),
                      textcoords='offset points', xytext=(6, -12), fontsize=8)
    axes.margins(.13)  # for the names
    axes.set(title='Size of the network (48 px)', xlabel='weights, decoder included')


def _batches(axes, result: dict) -> None:
    rows = [row for row in result['steps']
            if (row['pixels'], row['width'], row['depth']) == (48, 128, 6)]
    _per_image(axes, result, [row['name'] for row in rows], 'batch')
    sizes = sorted(row['batch'] for row in rows)
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.xaxis.minorticks_off()
    axes.set(title='Batch (48 px, 128 wide, 6 deep)', xlabel='images per step')


def _agreement(axes, result: dict) -> None:
    rows = result['compared']
    ends = [min(min(row['measured'], row['predicted']) for row in rows) / 1.5,
            max(max(row['measured'], row['predicted']) for row in rows) * 1.5]
    axes.loglog(ends, ends, color='gray', lw=1)
    axes.fill_between(ends, [.8 * end for end in ends], [1.2 * end for end in ends],
                      color='gray', alpha=.15, label='within 20 %')
    for fitted, style in ((True, dict(color='C0', marker='s', label='step, fitted')),
                          (False, dict(color='C1', marker='o', label='not fitted'))):
        chosen = [row for row in rows if row['fitted'] is fitted]
        axes.scatter([row['measured'] for row in chosen], [row['predicted'] for row in chosen],
                     zorder=3, **style)
    axes.set(title='Steps and epochs', xlabel='measured, seconds', ylabel='predicted, seconds',
             xlim=ends, ylim=ends)
    axes.legend(loc='upper left')


PANELS = (('epochs', _epochs), ('memory', _memory), ('processes', _processes),
          ('steps', _pixels), ('steps', _weights), ('steps', _batches), ('steps', _agreement))
