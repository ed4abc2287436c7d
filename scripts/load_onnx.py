"""load_onnx.py FILE...: what ONNX Runtime takes to load files that `hnrun export --onnx` wrote, each in a process of its
own, and to run one sample. build/onnx/bin/python, which scripts/check-onnx makes, has what this needs."""
import multiprocessing
import resource
import sys
import time

import numpy
import onnxruntime


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(path):
    before, start = peak(), time.perf_counter()
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    seconds, memory = time.perf_counter() - start, peak() - before
    x = numpy.zeros((1, session.get_inputs()[0].shape[1]), numpy.float32)
    times = []
    for _ in range(20):
        start = time.perf_counter()
        session.run(None, {"x": x})
        times.append(time.perf_counter() - start)
    print(f"{path}: loaded in {seconds:.2f} s, peak memory + {memory:.0f} MiB; a sample in {1000 * min(times):.2f} ms")


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    for name in sys.argv[1:]:
        process = context.Process(target=measure, args=(name,))
        process.start()
        process.join()
        if process.exitcode:
            sys.exit(process.exitcode)
