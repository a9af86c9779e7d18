"""Write a network as ONNX, TorchScript or a torch.export program, and run what was written."""
import contextlib
import importlib.util
import io
import json
import logging
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ssfer_mm.errors import UserError

INPUT, OUTPUT = 'images', 'probabilities'
NEEDED = ('onnx', 'onnxscript', 'onnxruntime')


def _program(network: nn.Module, example: Tensor) -> torch.export.ExportedProgram:
    """The network's operators, for any batch.

    Not ``strict``: torch 2.6 then reads the source code too and stumbles over branches on a
    tensor (mmpretrain's drop rates), after which its ONNX exporter fixes the size of the batch.
    Without a ``max`` it minds that the batch might be infinite.
    """
    batch = torch.export.Dim('batch', max=2 ** 31 - 1)
    return torch.export.export(network, (example,), strict=False, dynamic_shapes=({0: batch},))


def export_onnx(network: nn.Module, example: Tensor, path: Path, facts: dict, opset: int,
                outputs: Sequence[str] = (OUTPUT,), optimize: bool = True) -> None:
    """One self-contained ONNX file with a dynamic batch; ``facts`` become its metadata.

    ``optimize=False`` leaves the weights as they are. onnxruntime merges convolution and
    normalization as it loads them, so that they are as fast as after torch's merging.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(f'ONNX export needs {", ".join(missing)}; run: pip install '
                        f'{" ".join(missing)}')
    import onnx

    try:
        with _quiet():
            program = torch.onnx.export(
                _program(network, example), (example,), dynamo=True, opset_version=opset,
                input_names=[INPUT], output_names=list(outputs), optimize=optimize, verbose=False)
    except torch.onnx.errors.OnnxExporterError as error:  # torch 2.6 and batch normalization
        reason = str(error.__cause__ or error).strip().split('\n')[0][:120]
        raise UserError(f'torch {torch.__version__} cannot write this network as ONNX ({reason}); '
                        'expected operators that it can translate. Install a newer torch, or '
                        'export to .torchscript.') from error
    written = program.model.opset_imports['']
    if written != opset:  # torch only warns where it cannot convert what it wrote
        raise UserError(f'this network cannot be written as ONNX of opset {opset}, torch '
                        f'{torch.__version__} wrote {written}; give --opset {written}')
    if not optimize:
        # Otherwise every normalization reads its weights through operators of its own.
        from onnxscript import optimizer

        optimizer.inline(program.model)
        optimizer.fold_constants(program.model)
        optimizer.remove_unused_nodes(program.model)
    model = program.model_proto
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in facts.items()})
    # Where the exporter found each operator is of no use to others, and names folders of this
    # machine.
    for graph in (model.graph, *model.functions):
        for node in graph.node:
            del node.metadata_props[:]
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def run_onnx(path: Path) -> Callable[[Tensor], Tensor]:
    """The file as a function of float RGB images."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])
    return lambda images: torch.from_numpy(session.run(None, {INPUT: images.numpy()})[0])


def export_torchscript(network: nn.Module, example: Tensor, path: Path, facts: dict,
                       opset: int) -> None:
    """A traced TorchScript file; ``facts`` is an extra file ``facts.json`` in it."""
    with _quiet(), torch.no_grad():
        traced = torch.jit.trace(network, example, check_trace=False)
        content = io.BytesIO()
        torch.jit.save(traced, content, _extra_files={'facts.json': json.dumps(facts)})
    # As in ONNX: where each operator was found names folders of this machine.
    with zipfile.ZipFile(content) as archive, zipfile.ZipFile(path, 'w') as clean:
        for entry in archive.infolist():
            if not entry.filename.endswith('.debug_pkl'):
                clean.writestr(entry.filename, archive.read(entry))


def run_torchscript(path: Path) -> Callable[[Tensor], Tensor]:
    """The file as a function of float RGB images."""
    with _quiet():
        return torch.jit.load(str(path))


def export_program(network: nn.Module, example: Tensor, path: Path, facts: dict,
                   opset: int) -> None:
    """A ``torch.export`` program; ``facts`` is an extra file ``facts.json`` in it."""
    with _quiet(), torch.no_grad():
        program = _program(network, example)
        for module in program.graph_module.modules():
            for node in getattr(getattr(module, 'graph', None), 'nodes', ()):
                node.meta.pop('stack_trace', None)  # names folders of this machine, see above
        torch.export.save(program, str(path), extra_files={'facts.json': json.dumps(facts)})


def run_program(path: Path) -> Callable[[Tensor], Tensor]:
    """The file as a function of float RGB images."""
    with _quiet():
        return torch.export.load(str(path)).module()


# ending -> (what to call it, writer, runner)
FORMATS = {
    '.onnx': ('ONNX', export_onnx, run_onnx),
    '.torchscript': ('TorchScript', export_torchscript, run_torchscript),
    '.pt2': ('torch.export program', export_program, run_program),
}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Exporters report every optional thing they lack; what matters is raised or measured."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(previous)
