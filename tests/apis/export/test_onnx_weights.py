"""ONNX files that take their weights from a safetensors file beside them."""
import json
import shutil

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file

from ssfer_mm import UserError
from ssfer_mm.apis.export import onnx_weights
from ssfer_mm.apis.export.onnx_weights import share_weights, stored_tensors
from ssfer_onnx import OnnxClassifier, OnnxModelError

CLASSES = ['a', 'b']
FACES = list(np.random.default_rng(1).integers(0, 256, (3, 4, 6, 3), np.uint8))


def write(folder, precision):
    """model.onnx, whose weights are also in model.safetensors, in this precision."""
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 3e-4, (72, 2)).astype(precision)
    bias = np.array([0.1, -0.1], np.float32)
    nodes = [helper.make_node('Flatten', ['images'], ['flat']),
             helper.make_node('MatMul', ['flat', 'w'], ['product']),
             helper.make_node('Add', ['product', 'b'], ['logits']),
             helper.make_node('Softmax', ['logits'], ['probabilities'], axis=1)]
    graph = helper.make_graph(
        nodes, 'test', [helper.make_tensor_value_info('images', TensorProto.FLOAT, ['n', 3, 4, 6])],
        [helper.make_tensor_value_info('probabilities', TensorProto.FLOAT, ['n', 2])],
        [numpy_helper.from_array(weights.astype(np.float32), 'w'),
         numpy_helper.from_array(bias, 'b')])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    helper.set_model_props(model, dict(classes=json.dumps(CLASSES), input_size='[4, 6]'))
    onnx.save(model, str(folder / 'model.onnx'))
    save_file({'first': rng.normal(size=100).astype(precision), 'steps': np.array(7),
               'w': weights}, folder / 'model.safetensors')
    return folder / 'model.onnx', folder / 'model.safetensors'


@pytest.mark.parametrize('precision', [np.float16, np.float32])
def test_the_weights_are_there_once_and_the_answers_are_the_same(precision, tmp_path):
    path, weights = write(tmp_path, precision)
    before = OnnxClassifier(path).predict(FACES)
    assert np.ptp(before, axis=0).max() > 0.01
    share_weights(path, weights)
    assert (OnnxClassifier(path).predict(FACES) == before).all()
    tensors = {tensor.name.partition('.')[0]: tensor for tensor in onnx.load(
        path, load_external_data=False).graph.initializer}
    assert tensors['w'].data_location == TensorProto.EXTERNAL and not tensors['w'].raw_data
    assert tensors['b'].raw_data, 'a few values are not worth a reference'
    # What it says is where the bytes are.
    stored = load_file(weights)['w'].tobytes()
    place = stored_tensors(weights)[stored]
    assert weights.read_bytes()[place.offset:place.offset + place.length] == stored
    facts = {entry.key: entry.value for entry in tensors['w'].external_data}
    assert facts == dict(location='model.safetensors', offset=str(place.offset),
                         length=str(place.length))


def test_both_files_have_to_travel_and_to_belong_together(tmp_path):
    path, weights = write(tmp_path, np.float16)
    share_weights(path, weights)
    (tmp_path / 'alone').mkdir()
    shutil.copy(path, tmp_path / 'alone')
    with pytest.raises(OnnxModelError, match='not beside it.*copy both'):
        OnnxClassifier(tmp_path / 'alone/model.onnx')
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(OnnxModelError, match='not the file that model.onnx was made for'):
        OnnxClassifier(path)


def test_weights_that_are_cut_off_are_one_line(tmp_path, capfd):
    path, weights = write(tmp_path, np.float16)
    share_weights(path, weights)
    weights.write_bytes(weights.read_bytes()[:-200])
    with pytest.raises(OnnxModelError, match='takes its weights from another file, which is not '
                                             'beside it, damaged or another one'):
        OnnxClassifier(path)
    assert not capfd.readouterr().err, 'onnxruntime says nothing besides'


def test_weights_that_the_exporter_changed_are_refused(tmp_path, monkeypatch):
    path, weights = write(tmp_path, np.float16)
    model = onnx.load(path)
    values = numpy_helper.to_array(model.graph.initializer[0]) * np.float32(1.01)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, 'w'))
    onnx.save(model, path)
    before = path.read_bytes()
    monkeypatch.setattr(onnx_weights, 'LARGEST_REST', 500)
    with pytest.raises(UserError, match='changed the weights'):
        share_weights(path, weights)
    assert path.read_bytes() == before
