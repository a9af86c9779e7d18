"""The command line of ``ssfer``; see ``ssfer_cli.py`` for how it starts."""
import argparse
import math
import os
import sys
from typing import Dict, List, Optional, Sequence, Tuple

from ssfer_mm.command_line.opencv import opencv_problem
from ssfer_mm.command_line.printing import print_any_name, reader_has_left
from ssfer_mm.errors import UserError, one_line
from ssfer_mm.runtime.signals import kill_as_interrupt
from ssfer_mm.version import __version__


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run a subcommand.

    Returns:
        Exit status: 0; 1 if something could not be read or is not in order; 2 for an error of the
        user's; 130 after Ctrl-C or SIGTERM.
    """
    args = _parse(arguments)
    print_any_name()
    try:
        with kill_as_interrupt():
            status = args.run(args)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print('\nInterrupted; what was not complete was not written.', file=sys.stderr)
        return 130
    except Exception as error:
        if isinstance(error, BrokenPipeError) and reader_has_left():
            return 1
        message = _message(error)
        if message is None or os.environ.get('SSFER_DEBUG', '0') not in ('', '0'):
            raise
        print(f'error: {message}', file=sys.stderr)
        return 2


def _parse(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    """The command line, in which photos may also stand behind and between options.

    argparse does that only for commands without subcommands.
    """
    parser = _parser()
    args, rest = parser.parse_known_args(arguments)
    if rest and (not hasattr(args, 'source') or any(word.startswith('-') for word in rest)):
        parser.error(f'unrecognized arguments: {" ".join(rest)}')
    if rest:
        args.source += rest
    return args


def _message(error: Exception) -> Optional[str]:
    if 'mmengine' in sys.modules:  # which wraps the errors of what it builds
        from ssfer_mm.command_line.run import user_message

        return user_message(error)
    if isinstance(error, UserError):
        return one_line(error)
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing in ('numpy', 'onnxruntime'):
        return f'{missing} is not installed; run: pip install {missing}'
    return opencv_problem(error)


def _predict(args: argparse.Namespace) -> int:
    from .predict import predict

    return predict(args)


def _models(args: argparse.Namespace) -> int:
    from ssfer_mm.model_files.model_names import HOW_TO_GET_ONE, known_models

    models = known_models()
    width = max((len(model.name) for model in models), default=0)
    files: Dict[Tuple[str, str], List[str]] = {}  # one model may be there for both back-ends
    for model in models:
        files.setdefault((model.name, model.about), []).append(str(model.path))
    for (name, about), paths in files.items():
        print(f'{name:{width}}  {about}  ({", ".join(paths)})')
    if not models:
        print(f'no model is found in the package or in work_dirs/: {HOW_TO_GET_ONE}')
    return 0


def _doctor(args: argparse.Namespace) -> int:
    from .doctor import examine

    return examine()


def _demo(args: argparse.Namespace) -> int:
    from .demo import demo

    return demo(args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='ssfer', description='Facial expressions in photos, videos and camera pictures.')
    parser.add_argument('--version', action='version', version=f'ssfer_mm {__version__}')
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    _add_predict(commands)
    _add_demo(commands)
    commands.add_parser('models', help='list the names of models').set_defaults(run=_models)
    commands.add_parser('doctor', help='check the installation and say how to repair it'
                        ).set_defaults(run=_doctor)
    return parser


def _add_predict(commands) -> None:
    parser = commands.add_parser(
        'predict', help='find faces and name their expressions',
        epilog='Exit status: 0; 1 if something could not be read (all else is done); 2 if the '
        'command cannot be carried out; 130 after Ctrl-C or SIGTERM.')
    add = parser.add_argument
    add('source', nargs='+', metavar='PHOTO|FOLDER|VIDEO|webcam',
        help="photos and folders (searched at any depth), one video, or 'webcam' ('webcam:1')")
    _add_model_options(parser)
    add('--out', metavar='DIR', help='folder for annotated images or the annotated video')
    add('--csv', metavar='FILE', help='table with one row per face')
    add('--json', metavar='FILE', help='all results, and what they were made with')
    add('--smooth', type=_seconds, nargs='?', const=0.5, metavar='SECONDS',
        help='video: follow people and average their probabilities over time (default 0.5 s)')
    add('--show', action='store_true', help='video, camera: show a window; q ends')
    parser.set_defaults(run=_predict)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:  # the video, which was to follow
        raise argparse.ArgumentTypeError(f'expected seconds, such as 0.5, got {text!r}; to leave '
                                         'them out, put --smooth last') from None
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f'expected seconds above 0, such as 0.5, got {text}')
    return seconds


def _add_demo(commands) -> None:
    parser = commands.add_parser(
        'demo', help='a page in the browser: drop a photo, see faces and expressions',
        epilog='Ctrl-C ends it. Pictures stay on this machine.')
    _add_model_options(parser)
    add = parser.add_argument
    add('--port', type=int, metavar='N', help='of the page (default: the first free one from 7860)')
    add('--host', default='127.0.0.1', metavar='ADDRESS',
        help='default 127.0.0.1: only this machine; 0.0.0.0: whoever can reach it')
    add('--no-browser', action='store_true', help='only print the address of the page')
    parser.set_defaults(run=_demo)


def _add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which model and detector, and how they run."""
    add = parser.add_argument
    add('--model', metavar='NAME|FILE', help='a name that "ssfer models" lists, the folder of '
        "a run, or a .pth, .safetensors or .onnx file (default: the package's own)")
    add('--detector', default='embedded', metavar='NAME',
        help="'embedded' (default), 'whole' for images that are face crops, 'yunet:FILE', a .py "
        'config file, or the .onnx file of an exported detector')
    add('--backend', choices=('torch', 'onnx'),
        help='default: the one that takes the model, or is installed; onnx needs neither torch nor '
        'OpenMMLab')
    add('--config', default='', help='training config, for a .pth that does not carry its own')
    add('--dataset', default='', help='of a released model: rafdb, ferplus, affectnet7, affectnet8')
    add('--device', default='cpu', help='of torch, e.g. cuda (default: cpu)')
    add('--batch-size', type=int, default=16, metavar='N', help='images, and faces, at a time')
    add('--score-threshold', type=float, metavar='S',
        help="drop faces with a lower score (default: the detector's own)")
    add('--margin', type=float, metavar='M', help='added around a face on each side, as a share '
        "of its longer edge; may be negative (default: the model's, or else -0.1)")
    add('--flip', action='store_true',
        help='average the probabilities of each face and its mirror image (half as fast)')
