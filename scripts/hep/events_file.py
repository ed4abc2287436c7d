"""Files of events as hn.data.events reads them: HDF5, a group with a dataset for each column."""

import contextlib
import os

import h5py

ROWS = 16384  # of a chunk in the file


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


def add(group, name, type, rows, width=1, chunk=ROWS):
    """An empty column, or an array of several, which can grow. Chunks that a write does not fill stay in memory until
    they are full only if they are below HDF5's cache of 1 MiB; else the file has holes."""
    shape = (lambda n: (n,)) if width == 1 else (lambda n: (n, width))
    return group.create_dataset(name, shape(rows), type, chunks=shape(chunk), maxshape=shape(None), compression="gzip",
                                shuffle=True)
