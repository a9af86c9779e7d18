"""What a user gets who installs the wheel instead of cloning the repository."""
import email
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ssfer_mm.compat import FAMILIES, OPTIONAL, TORCH

ROOT = Path(__file__).resolve().parent.parent


def build(tree, command, out):
    subprocess.run([sys.executable, 'setup.py', '-q', command, '--dist-dir', str(out)], cwd=tree,
                   check=True, capture_output=True, timeout=120)
    return next(out.iterdir())


@pytest.fixture(scope='module')
def sdist(tmp_path_factory):
    tree = tmp_path_factory.mktemp('tree')
    for folder in ('ssfer_mm', 'ssfer_onnx', 'configs', 'tools', 'benchmarks', '.ci', 'docs'):
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns('.mim'))
    for file in ('setup.py', 'ssfer_cli.py', 'pyproject.toml', 'MANIFEST.in', 'LICENSE',
                 'Makefile', 'pytest.ini'):
        shutil.copy(ROOT / file, tree / file)
    return build(tree, 'sdist', tmp_path_factory.mktemp('sdist'))


@pytest.fixture(scope='module')
def wheel(sdist, tmp_path_factory):
    """Built from the source distribution: a file missing there is missing here too."""
    folder = tmp_path_factory.mktemp('unpacked')
    with tarfile.open(sdist) as archive:
        archive.extractall(folder)
    return zipfile.ZipFile(build(next(folder.iterdir()), 'bdist_wheel',
                                 tmp_path_factory.mktemp('wheel')))


@pytest.fixture(scope='module')
def metadata(wheel):
    name = next(name for name in wheel.namelist() if name.endswith('.dist-info/METADATA'))
    return email.message_from_bytes(wheel.read(name))


def requirements(metadata, extra):
    """name -> version range, of one extra ('' for what is always installed)."""
    parsed = [Requirement(line) for line in metadata.get_all('Requires-Dist')]
    chosen = [r for r in parsed if (r.marker is None) != bool(extra)
              and (r.marker is None or r.marker.evaluate({'extra': extra}))]
    return {r.name: r.specifier for r in chosen}


def files(folder, suffixes):
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob('*')
            if path.suffix in suffixes and not {'__pycache__', '.mim'} & set(path.parts)}


def test_wheel_carries_every_config_and_tool(wheel):
    shipped = {name.removeprefix('ssfer_mm/.mim/') for name in wheel.namelist()
               if name.startswith('ssfer_mm/.mim/')}
    assert shipped == files('configs', {'.py', '.yaml'}) | files('tools', {'.py', '.sh'})


def test_wheel_carries_the_whole_package_and_nothing_else(wheel):
    code = {name for name in wheel.namelist()
            if '.mim/' not in name and '.dist-info/' not in name}
    data = {'.py', '.safetensors', '.onnx', '.json', '.md'}
    assert code == files('ssfer_mm', data) | files('ssfer_onnx', {'.py'}) | {'ssfer_cli.py'}


def test_sources_carry_what_make_and_the_tests_call(sdist):
    with tarfile.open(sdist) as archive:
        carried = {name.split('/', 1)[-1] for name in archive.getnames()}
    wanted = {path.relative_to(ROOT).as_posix() for folder in ('.ci', 'benchmarks', 'docs')
              for path in (ROOT / folder).rglob('*')
              if path.is_file() and '__pycache__' not in path.parts}
    assert wanted and wanted <= carried


def test_wheel_installs_the_command(wheel):
    name = next(name for name in wheel.namelist() if name.endswith('entry_points.txt'))
    assert 'ssfer = ssfer_cli:main' in wheel.read(name).decode()


def test_license_travels(wheel):
    name = next(name for name in wheel.namelist() if name.endswith('/LICENSE'))
    assert 'Apache License' in wheel.read(name).decode().splitlines()[0]


def test_python_versions(metadata):
    wanted = SpecifierSet(metadata['Requires-Python'])
    accepted = [minor for minor in range(8, 15) if f'3.{minor}.0' in wanted]
    assert accepted == [10, 11, 12]


def test_plain_install_touches_no_family(metadata):
    names = set(requirements(metadata, ''))
    family_names = {dist for family in FAMILIES.values() for dists in family.values()
                    for dist in dists}
    assert names and not names & (family_names | set(TORCH) | {'opencv-python-headless'})


@pytest.mark.parametrize('family', FAMILIES)
def test_extra_installs_what_compat_accepts(metadata, family):
    pinned = requirements(metadata, family)
    for package, dists in FAMILIES[family].items():
        (name,) = set(dists) & set(pinned)
        accepted = SpecifierSet(dists[name])
        exact = [s.version for s in pinned[name] if s.operator == '==']
        if exact:
            assert exact[0] in accepted, package
        else:
            assert pinned[name] == accepted, package
    assert not set(pinned) - set(TORCH) - {d for dists in FAMILIES[family].values() for d in dists}
    assert set(OPTIONAL) < set(FAMILIES[family])


def test_torch_extra_avoids_the_unmatched_cpu_file(metadata):
    torch = requirements(metadata, 'onedl')['torch']
    assert '2.13.0+cpu' not in torch and '2.13.0' not in torch
    assert all(version in torch for version in ('2.6.0', '2.14.1', '2.15.0'))
    assert '2.5.1' not in torch, 'cannot be told which checkpoint types are safe'
