"""The benchmark of face sources runs, and what it measures of a small index fits the goals."""
import importlib.util
import sys
from pathlib import Path

import pytest

from support import stores

FILE = Path(__file__).parents[2] / 'benchmarks' / 'face_sources.py'


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    spec = importlib.util.spec_from_file_location('face_sources', FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='reads /proc')
def test_a_large_index_costs_a_process_next_to_nothing(tmp_path, benchmark):
    args = benchmark.parse(['index', '--images', '1000000', '--lookups', '3000',
                            '--folder', str(tmp_path)])
    for result in benchmark.index_command(args):
        assert result['images'] == 1_000_000
        # As goes for ten million: nothing grows with their number.
        assert max(result['main_drawing'].values()) < 100
        assert all(worker['resident'] < 10 for worker in result['workers'])


def test_every_store_is_read(tmp_path, benchmark):
    folder = stores.write_folder(tmp_path / 'faces', [stores.jpeg(9 * k) for k in range(20)])
    args = benchmark.parse(['read', str(folder), '--folder', str(tmp_path), '--items', '2',
                            '--size', '16'])
    results = benchmark.read_command(args)
    assert {result['store'] for result in results} >= {'folder', 'tar', 'zip', 'rec'}
    assert {(result['order'], result['cache']) for result in results} == {
        (order, cache) for order in ('images', 'shards') for cache in ('cold', 'warm')}
