"""For each folder: checks net.onnx, runs it on the rows of x (float32, raw), and writes y, its outputs, likewise."""
import sys

import numpy
import onnx
import onnxruntime

for folder in sys.argv[1:]:
    onnx.checker.check_model(folder + "/net.onnx", full_check=True)
    session = onnxruntime.InferenceSession(folder + "/net.onnx", providers=["CPUExecutionProvider"])
    (given,), (taken,) = session.get_inputs(), session.get_outputs()
    assert (given.name, taken.name, given.shape[0], taken.shape[0]) == ("x", "y", "batch", "batch")
    x = numpy.fromfile(folder + "/x", numpy.float32).reshape(-1, given.shape[1])
    (y,) = session.run(["y"], {"x": x})
    assert y.shape[1:] == tuple(taken.shape[1:]), (y.shape, taken.shape)
    y.tofile(folder + "/y")
