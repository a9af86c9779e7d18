"""What a machine and its control groups leave of the memory, in a file system of our own."""
import pytest

from ssfer_mm.runtime.memory import available_memory

V2 = '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate'
V1 = '33 31 0:30 /docker/1a /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory'
FOLDERS = {V2: 'sys/fs/cgroup', V1: 'sys/fs/cgroup/memory'}
MACHINE = 'MemTotal: 9 kB\nMemAvailable:   2048 kB'
NO_LIMIT = 2**63 - 4096


def left(root, mount='', cgroup='', machine=MACHINE, **files):
    tree = {'proc/self/cgroup': cgroup, 'proc/self/mountinfo': mount, 'proc/meminfo': machine,
            **{f'{FOLDERS.get(mount)}/{name}': text for name, text in files.items()}}
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{text}\n')
    return available_memory(root)


@pytest.mark.parametrize('text, memory', [
    (MACHINE, 2 * 2**20), ('MemTotal: 9 kB', None), ('MemAvailable:', None),
    ('MemAvailable: much kB', None)])
def test_a_machine(tmp_path, text, memory):
    assert left(tmp_path, machine=text) == memory


def test_systems_that_tell_nothing(tmp_path):
    assert available_memory(tmp_path) is None


@pytest.mark.parametrize('limit, used, memory', [
    (9000, 5000, 4000), (9000, 9500, 0), ('max', 5000, 2 * 2**20), (2**40, 5000, 2 * 2**20),
    ('', '', 2 * 2**20)])
def test_version_2_in_a_container(tmp_path, limit, used, memory):
    assert left(tmp_path, V2, '0::/', **{'memory.max': limit, 'memory.current': used}) == memory


def test_files_that_were_read_make_room(tmp_path):
    assert left(tmp_path, V2, '0::/', **{
        'memory.max': 9000, 'memory.current': 8900,
        'memory.stat': 'anon 2900\nactive_file 1000\ninactive_file 5000\nfile 6000'}) == 6100


def test_the_tightest_of_the_groups_around_counts(tmp_path):
    assert left(tmp_path, V2, '0::/user.slice/job', **{
        'user.slice/job/memory.max': 'max', 'user.slice/job/memory.current': 10,
        'user.slice/memory.max': 700, 'user.slice/memory.current': 100,
        'other/memory.max': 5, 'other/memory.current': 1}) == 600


@pytest.mark.parametrize('limit, memory', [(9000, 4500), (NO_LIMIT, 2 * 2**20)])
def test_version_1(tmp_path, limit, memory):
    cgroup = '4:cpu,cpuacct:/other\n3:memory:/docker/1a\n0::/'
    assert left(tmp_path, V1, cgroup, **{
        'memory.limit_in_bytes': limit, 'memory.usage_in_bytes': 5000,
        'memory.stat': 'inactive_file 7\ntotal_inactive_file 400\ntotal_active_file 100'}) == memory
