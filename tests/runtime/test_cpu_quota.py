"""Control groups as Docker, Kubernetes and systemd make them, in a file system of our own."""
import pytest

from ssfer_mm.runtime.cpu_quota import cpu_quota

V2 = '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate'
V1 = '32 31 0:29 {} /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct'
MEMORY = '33 31 0:30 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory'
HYBRID = '34 31 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'
CPU = 'sys/fs/cgroup/cpu,cpuacct'


def quota(root, cgroup, mounts, **files):
    tree = {'proc/self/cgroup': cgroup, 'proc/self/mountinfo': '\n'.join(mounts), **files}
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + '\n')
    return cpu_quota(root)


@pytest.mark.parametrize('text, expected', [
    ('150000 100000', 1.5), ('max 100000', None), ('', None), ('0 0', None), ('a b', None)])
def test_version_2_in_a_container(tmp_path, text, expected):
    assert quota(tmp_path, '0::/', [V2], **{'sys/fs/cgroup/cpu.max': text}) == expected


def test_version_2_without_a_namespace_the_tightest_of_the_groups_around_counts(tmp_path):
    assert quota(tmp_path, '0::/user.slice/job', [V2], **{
        'sys/fs/cgroup/user.slice/job/cpu.max': '400000 100000',
        'sys/fs/cgroup/user.slice/cpu.max': '300000 100000',
        'sys/fs/cgroup/other/cpu.max': '100000 100000'}) == 3


@pytest.mark.parametrize('path, root, folder', [
    ('/', '/', ''), ('/docker/1a', '/docker/1a', ''), ('/docker/1a', '/', '/docker/1a'),
    ('/docker/1a/job', '/docker/1a', '/job'), ('/', '/docker/1a', ''), ('/../b', '/', '')])
def test_version_1(tmp_path, path, root, folder):
    cgroup = f'5:memory:/other\n4:cpu,cpuacct:{path}\n3:cpuset:/other\n1:name=systemd:/\n0::/'
    assert quota(tmp_path, cgroup, [MEMORY, V1.format(root), HYBRID], **{
        f'{CPU}{folder}/cpu.cfs_quota_us': '250000',
        f'{CPU}{folder}/cpu.cfs_period_us': '100000'}) == 2.5


def test_version_1_without_a_limit(tmp_path):
    assert quota(tmp_path, '4:cpu,cpuacct:/', [V1.format('/')], **{
        f'{CPU}/cpu.cfs_quota_us': '-1', f'{CPU}/cpu.cfs_period_us': '100000'}) is None


def test_systems_that_tell_nothing(tmp_path):
    assert cpu_quota(tmp_path) is None
    assert quota(tmp_path, 'nonsense', ['', 'a - cgroup2', 'x']) is None
