"""The command lines of all tools: for ``tools/X.py`` the function ``X_parser``.

Apart from what they start, so that ``--help`` and a mistyped option are answered at once: importing
torch and OpenMMLab takes seconds. Nothing here imports them before a setting of a config is read.
"""
from .dataset import (
    browse_facemix_parser,
    browse_synthfer_parser,
    check_data_parser,
    make_split_parser,
    pack_faces_parser,
)
from .export import (
    convert_checkpoint_parser,
    export_face_detector_parser,
    export_onnx_detector_parser,
    export_parser,
    ship_model_parser,
)
from .faces import crop_faces_parser, detect_faces_parser, eval_face_detector_parser
from .tables import run_table_parser
from .training import eval_cross_parser, run_ssfer_parser, test_parser, train_parser
from .trials import (
    benchmark_parser,
    cost_model_parser,
    crash_test_parser,
    replay_batch_parser,
    soak_parser,
)

__all__ = [
    'benchmark_parser', 'browse_facemix_parser', 'browse_synthfer_parser', 'check_data_parser',
    'convert_checkpoint_parser', 'cost_model_parser', 'crash_test_parser', 'crop_faces_parser',
    'detect_faces_parser', 'eval_cross_parser', 'eval_face_detector_parser',
    'export_face_detector_parser', 'export_onnx_detector_parser', 'export_parser',
    'make_split_parser', 'pack_faces_parser', 'replay_batch_parser', 'run_ssfer_parser',
    'run_table_parser', 'ship_model_parser', 'soak_parser', 'test_parser', 'train_parser',
]
