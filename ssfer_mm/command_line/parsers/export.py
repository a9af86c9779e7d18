"""Command lines of the tools that write networks for other programs, or under other names."""
import argparse
from typing import Optional

from ssfer_mm.expressions import CLASSES_OF

# 18 is what torch's exporter is written for; onnxruntime reads it since 1.14.
OPSET = 18


def convert_checkpoint_parser() -> argparse.ArgumentParser:
    """``tools/convert_checkpoint.py``."""
    parser = argparse.ArgumentParser(
        description='Recognize weights (released SSFER, timm ViT, official MAE, mmpretrain, a '
                    'training checkpoint) and write them as plain, described weights.')
    parser.add_argument('src', help='.pth or .safetensors; never unpickled unsafely')
    parser.add_argument('dst', help='.pth or .safetensors')
    parser.add_argument('--to', choices=['mmpretrain', 'timm'], default='mmpretrain',
                        help="whose names to write; timm's are also the official MAE's")
    _add_description(parser)
    return parser


def export_parser() -> argparse.ArgumentParser:
    """``tools/export.py``."""
    parser = argparse.ArgumentParser(
        description='Write a classifier as ONNX (.onnx), TorchScript (.torchscript) or a '
                    'torch.export program (.pt2), and compare it with the original.')
    parser.add_argument('model', help='a name that "ssfer models" lists, training checkpoint, '
                        'exported classifier_*.pth, converted checkpoint, or a released classifier '
                        'with --dataset')
    parser.add_argument('dst', help='file to write; its ending chooses the format')
    parser.add_argument('--faces', default='', metavar='FOLDER',
                        help='face crops to compare on (default: drawn ones)')
    parser.add_argument('--num-faces', type=int, default=16, help='how many (default: 16)')
    parser.add_argument('--opset', type=int, default=OPSET, help=f'of ONNX (default: {OPSET})')
    _add_description(parser, card=True)
    return parser


def ship_model_parser() -> argparse.ArgumentParser:
    """``tools/ship_model.py``."""
    parser = argparse.ArgumentParser(
        description='Put a classifier into the package: weights (at most 6 MB) with a model card, '
        'and an entry in models.json.')
    parser.add_argument('model', help='classifier_STAGE.pth in the folder of its run, or what '
                        'tools/convert_checkpoint.py wrote')
    parser.add_argument('--name', required=True, help='what users will type')
    parser.add_argument('--command', required=True, help='the command that trained it')
    parser.add_argument('--commit', help="git commit of that training (default: the checkout's)")
    parser.add_argument('--about', help='a few words for "ssfer models"')
    parser.add_argument('--license', '--licence', default='Apache-2.0', help='of the weights')
    parser.add_argument('--half', action='store_true', help='store half precision')
    parser.add_argument('--onnx', action=argparse.BooleanOptionalAction, default=True,
                        help='also for machines without torch (default); the ONNX file takes its '
                        'weights from the other one')
    parser.add_argument('--default', action=argparse.BooleanOptionalAction, default=True,
                        help='take it where no model is named')
    _add_description(parser, card=True)
    return parser


def export_face_detector_parser() -> argparse.ArgumentParser:
    """``tools/export_face_detector.py``."""
    parser = argparse.ArgumentParser(description='Turn a training checkpoint into a weights file '
                                                 'for EmbeddedFaceDetector.')
    parser.add_argument('config', help='config that the checkpoint was trained with')
    parser.add_argument('checkpoint', help='.pth file; its averaged weights are taken')
    parser.add_argument('--out', help='default: the file in the package, which takes --force')
    parser.add_argument('--input-size', type=int, default=224,
                        help='side of the square into which images are fitted')
    parser.add_argument('--force', action='store_true', help='replace an existing file')
    return parser


def export_onnx_detector_parser() -> argparse.ArgumentParser:
    """``tools/export_onnx_detector.py``."""
    parser = argparse.ArgumentParser(
        description='Write the embedded face detector as ONNX, for "ssfer predict --backend onnx" '
                    'on machines without torch. Put the file beside the exported classifier.')
    parser.add_argument('dst', help='file to write, face_detector.onnx')
    parser.add_argument('--weights', help='other weights for EmbeddedFaceDetector')
    parser.add_argument('--input-size', type=int, metavar='PX',
                        help='side of the square into which images are fitted (default: the one '
                        'that the weights were trained for)')
    parser.add_argument('--share-weights', action='store_true', help='leave the weights in their '
                        'own .safetensors file, in whose folder DST lies')
    parser.add_argument('--force', action='store_true', help='replace an existing file')
    return parser


def _add_description(parser: argparse.ArgumentParser, card: Optional[bool] = None) -> None:
    """The options behind `options_of`, common to conversion and export.

    Args:
        parser: Gets them.
        card: Whether a model card is written unless the user says otherwise; None: if anything is
            known of the training.
    """
    parser.add_argument('--dataset', default='', metavar='|'.join(CLASSES_OF),
                        help='data set of a released SSFER classifier: names its classes, and '
                             "the paper's mean and std")
    parser.add_argument('--classes', default='', metavar='A,B,...', help='names of the classes')
    parser.add_argument('--mean', nargs=3, type=float, metavar='0-255', help='of R, G, B')
    parser.add_argument('--std', nargs=3, type=float, metavar='0-255', help='of R, G, B')
    parser.add_argument('--img-size', type=int, metavar='PIXELS',
                        help='interpolate the position embedding of a ViT to this image size')
    parser.add_argument('--num-heads', type=int, help='heads of a ViT (default: 64 channels each)')
    parser.add_argument('--config', default='', help='config that the weights were trained with')
    parser.add_argument('--key', default='', help='entry of the file that holds the weights')
    parser.add_argument('--margin', type=float, help='around a detected face, in crops like those '
                        'of the training, as a share of its longer edge; may be negative')
    parser.add_argument('--card', action=argparse.BooleanOptionalAction, default=card,
                        help='write a model card beside the model (default: '
                             f'{"yes" if card else "if anything is known of its training"})')
    parser.add_argument('--force', action='store_true', help='replace existing files')
