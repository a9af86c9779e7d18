"""The tables that ``tools/benchmark.py`` prints."""


def show(result: dict) -> None:
    """Print what was measured of one config."""
    print(f'\n{result["config"]}\n{result["gpu"] or result["processor"]}, '
          f'{result["threads"]} torch thread(s), {result["workers"]} loader worker(s), '
          f'{result["precision"]}, torch {result["torch"]}')
    for name, stage in result['stages'].items():
        print()
        for line in stage_lines(name, stage):
            print(line)


def stage_lines(name: str, stage: dict) -> list[str]:
    """The table of one stage; medians, with quartiles in brackets."""
    images = ' + '.join(f'{number} {kind}' for kind, number in stage['images_per_step'].items()
                        if number)
    rates = ' + '.join(f'{rate:.1f} {kind}' for kind, rate in stage['images_per_second'].items()
                       if rate)
    step = stage['step_ms']
    lines = [f'{name}: {images} images per step, {stage["rounds"]} rounds of '
             f'{stage["steps_per_round"]} steps']
    if stage['accepted_per_step'] is not None:
        lines.append(f'  accepted pseudo-labels per step   {stage["accepted_per_step"]}')
    lines += [
        f'  images/s                          {rates}',
        f'  whole step                        {step["wall"]:10.1f} ms  {step["cpu"]:10.1f} ms CPU '
        f'+ {stage["workers_cpu_ms"]:.1f} in workers',
        f'  bare arithmetic                   {stage["bare_ms"]["wall"]:10.1f} ms  '
        f'{stage["bare_ms"]["cpu"]:10.1f} ms CPU',
        _ratio_line('whole / bare', stage['whole_over_bare'])]
    if 'ours_over_plain' in stage:
        lines += [
            f'  our step, resident batch          {stage["ours_ms"]["wall"]:10.1f} ms  '
            f'{stage["ours_ms"]["cpu"]:10.1f} ms CPU',
            f'  plain step, resident batch        {stage["plain_ms"]["wall"]:10.1f} ms  '
            f'{stage["plain_ms"]["cpu"]:10.1f} ms CPU',
            _ratio_line('ours / plain, throughput', stage['ours_over_plain'])]
    total = sum(spent['wall'] for spent in stage['phases_ms'].values())
    for phase, spent in stage['phases_ms'].items():
        lines.append(f'    {phase:31} {spent["wall"]:10.1f} ms  {spent["cpu"]:10.1f} ms CPU'
                     f'{100 * spent["wall"] / total:7.1f} %')
    memory = ', '.join(f'{value:.0f} MiB {kind}' for kind, value in
                       stage['peak_memory_mib'].items())
    return [*lines, f'  peak memory                       {memory}']


def _ratio_line(text: str, ratio: dict) -> str:
    columns = '  '.join('{:6.3f} ({:.3f}-{:.3f}) {}'.format(
        ratio[clock]['median'], *ratio[clock]['quartiles'], clock) for clock in ('wall', 'cpu'))
    return f'  {text:33} {columns}'
