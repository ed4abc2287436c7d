"""Simulated events to their file, chunk by chunk, made in several processes."""

import concurrent.futures
import contextlib
import multiprocessing
import signal
import sys
import time

import numpy as np

import events_file


class Progress:
    """How far it is, once a second on a terminal, else every ten seconds."""

    def __init__(self, total, unit):
        self.total, self.unit, self.start = total, unit, time.monotonic()
        self.terminal = sys.stderr.isatty()
        self.last = self.start

    def show(self, done):
        now = time.monotonic()
        if done < self.total and now - self.last < (1 if self.terminal else 10):
            return
        self.last = now
        seconds = now - self.start
        left = f"{seconds / done * (self.total - done):.0f} s left" if done < self.total else f"{seconds:.0f} s"
        line = f"{done:,} of {self.total:,} {self.unit}, {done / seconds:.0f}/s, {left}"
        end = "\n" if done == self.total or not self.terminal else ""
        print(("\r\033[K" if self.terminal else "") + line, end=end, file=sys.stderr, flush=True)


makers = []  # in a process that makes chunks: its own


def start(maker):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the processes
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    makers.append(maker)


def make(number):
    return makers[0](number)


def run(maker, processes):
    """Chunks in order, made in so many processes."""
    if processes == 1:
        yield from map(maker, maker.chunks())
        return
    pool = concurrent.futures.ProcessPoolExecutor(processes, initializer=start, initargs=(maker,))
    try:
        yield from pool.map(make, maker.chunks())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()


def fill(file, maker, processes):
    kind, total = maker.kind, maker.total
    events = file.create_group("events")
    events.attrs.update({"seed": maker.seed, "beams": "pp, 13 TeV; Pythia 8 without multiparton interactions"})
    events.attrs.update(kind.ATTRIBUTES)
    for label, settings in enumerate(kind.CLASSES):
        events.attrs[f"settings of label {label}"] = "; ".join(settings)
    for name, type, width, unit in kind.COLUMNS:
        events_file.add(events, name, type, total, width).attrs["units"] = unit
    progress, generated, done = Progress(total, kind.UNIT), np.zeros(len(kind.CLASSES), np.int64), 0
    with contextlib.closing(run(maker, processes)) as chunks:
        for columns, tried in chunks:
            count = len(columns["label"])
            for name, values in columns.items():
                events[name][done : done + count] = values
            generated += tried
            done += count
            progress.show(done)
    for label, number in enumerate(generated):
        events.attrs[f"generated of label {label}"] = number
    kind.finish(events, generated, maker.seed)


def write(path, maker, processes):
    with events_file.new(path) as file:
        fill(file, maker, processes)
