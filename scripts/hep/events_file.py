"""Files of events as hn.data.events reads them: HDF5, a group with a dataset for each column."""

import contextlib
import os

import h5py

ROWS, BYTES = 16384, 1 << 20  # a chunk in the file has at most so many


@contextlib.contextmanager
def new(path):
    """A file to write, which appears at the path when it is whole."""
    folder, name = os.path.split(path)
    scratch = os.path.join(folder, f".new-{os.getpid()}-{name}")
    try:
        with h5py.File(scratch, "x") as file:
            yield file
        os.replace(scratch, path)
    finally:
        if os.path.exists(scratch):
            os.remove(scratch)


def add(group, name, type, rows, width=1):
    """An empty column, or an array of several, which can grow."""
    chunk = max(1, min(ROWS, BYTES // (4 * width)))
    shape = (lambda n: (n,)) if width == 1 else (lambda n: (n, width))
    return group.create_dataset(name, shape(rows), type, chunks=shape(chunk), maxshape=shape(None), compression="gzip",
                                shuffle=True)
