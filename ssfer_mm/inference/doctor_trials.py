"""What ``ssfer doctor`` tries: programs that end with an error, or with a line that says what they
found. Each runs in a process of its own, after those that it stands on."""

TORCH = '''
import torch
gpu = ', '.join(torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count()))
print(torch.__version__, '| GPU:', gpu or 'none usable, the CPU is used',
      '| threads:', torch.get_num_threads())
'''
TORCHVISION = '''
import torch, torchvision
torchvision.ops.nms(torch.zeros(1, 4), torch.ones(1), 0.5)
print(torchvision.__version__)
'''
# Without the rest of the package, which would fail for other reasons, too.
MMCV = '''
import ssfer_cli
ssfer_cli.prepare_packages()
from ssfer_mm.compat import quiet_imports
with quiet_imports():
    import mmcv, importlib.util
compiled = importlib.util.find_spec('mmcv._ext') is not None
if compiled:
    import mmcv._ext
print(mmcv.__version__, '| compiled ops:', 'yes' if compiled else
      'no (not needed: torchvision does their work)')
'''
MMPRETRAIN = '''
import ssfer_cli
ssfer_cli.prepare_packages()
from ssfer_mm.compat import prepare_environment
prepare_environment()
import mmpretrain
print(mmpretrain.__version__)
'''
PACKAGE = '''
import ssfer_cli
ssfer_cli.prepare_packages()
from ssfer_mm.command_line.packages import fill_packages
from ssfer_mm.runtime.processor import has_bfloat16
fill_packages()
print('imports, all components registered | bfloat16 on the processor:',
      'yes (train with --amp)' if has_bfloat16() else 'no')
'''
DETECTOR = '''
import numpy as np
from ssfer_mm.faces.detectors import build_detector
detector = build_detector('embedded')
detector.detect([np.zeros((64, 64, 3), np.uint8)])
print('finds faces,', detector.describe()['weights'])
'''
RECOGNIZER = '''
import numpy as np
from ssfer_mm.inference import FERInferencer
from ssfer_mm.model_files.model_names import shipped_models
for model in shipped_models():
    if model.path.suffix != '.onnx':
        FERInferencer(model.name, 'whole')(np.zeros((64, 64, 3), np.uint8))
        print('names expressions,', model.path.name)
'''
ONNXRUNTIME = '''
import onnxruntime
print(onnxruntime.__version__)
'''
# Without torch and all that stands on it.
ONNX_MODELS = '''
import ssfer_cli
ssfer_cli.prepare_packages()
import numpy as np
from ssfer_mm.inference.inferencer import FERInferencer
from ssfer_mm.model_files.model_names import shipped_models
for model in shipped_models():
    if model.path.suffix == '.onnx':
        FERInferencer(model.name, backend='onnx')(np.zeros((64, 64, 3), np.uint8))
        print('find faces, name expressions,', model.path.name)
'''
