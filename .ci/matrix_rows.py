"""The combinations of versions that ``make test-matrix`` runs the tests on, and which tests."""
import dataclasses

# The fast suite: all that touches torch, numpy, OpenCV or OpenMMLab, each subsystem at least once.
FAST = (
    'tests/ssfer_onnx', 'tests/audit', 'tests/checkpoints', 'tests/datasets', 'tests/engine',
    'tests/evaluation', 'tests/faces', 'tests/files', 'tests/fuzz', 'tests/images',
    'tests/inference', 'tests/model_files', 'tests/models', 'tests/processes', 'tests/profiling',
    'tests/runtime', 'tests/synthfer', 'tests/tables/test_plan.py', 'tests/transforms',
    'tests/command_line/test_run.py', 'tests/distributed/test_equal_losses.py',
    'tests/test_compat.py', 'tests/test_config.py',
    'tests/test_mmcv_stand_in.py', 'tests/test_safe_loading.py',
    'tests/apis/export/test_export_model.py',
    'tests/apis/training/test_launch.py::test_train_resume_and_test',
    'tests/configs/test_every_config.py',
    'tests/e2e/test_all_stages.py', 'tests/e2e/test_export.py', 'tests/e2e/test_stock_tools.py',
    'tests/e2e/test_two_processes.py',
)


@dataclasses.dataclass(frozen=True)
class Row:
    """One combination of versions.

    Attributes:
        name: Of its environment, files and line in the tables.
        family: ``onedl`` or ``openmmlab``, an extra of setup.py.
        python: Such as ``3.11``.
        suite: ``full``, or ``fast``: only `FAST`.
        constraints: A pip constraints file; ``''``: the newest of everything.
    """
    name: str
    family: str
    python: str
    suite: str
    constraints: str = ''


OLDEST = '.ci/constraints-oldest.txt'
ROWS = (
    Row('onedl', 'onedl', '3.11', 'full'),
    Row('openmmlab', 'openmmlab', '3.11', 'fast'),
    Row('onedl-oldest', 'onedl', '3.10', 'fast', OLDEST),
    Row('openmmlab-oldest', 'openmmlab', '3.10', 'fast', OLDEST),
    Row('onedl-py312', 'onedl', '3.12', 'fast'),
    Row('openmmlab-py312', 'openmmlab', '3.12', 'fast'),
)
