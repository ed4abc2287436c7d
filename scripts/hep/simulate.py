"""Simulated events to their file, chunk by chunk, made in several processes."""

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time

import numpy as np

import events_file
import generator


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


def end_with_parent():
    multiprocessing.parent_process().join()
    os._exit(1)


def start(maker):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the processes
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=end_with_parent, daemon=True).start()
    makers.append(maker)


def make(number):
    return makers[0](number)


def run(maker, processes):
    """Chunks in order, made in so many processes."""
    if processes == 1:
        yield from map(maker, maker.chunks())
        return
    pool, waiting = concurrent.futures.ProcessPoolExecutor(processes, None, start, (maker,)), []
    try:
        for number in maker.chunks():
            waiting.append(pool.submit(make, number))
            if len(waiting) > 2 * processes:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
    finally:
        for process in multiprocessing.active_children():
            process.terminate()
        pool.shutdown()


class Stopped(Exception):
    """By a signal."""


def fill(file, maker, processes, signals):
    kind, total = maker.kind, maker.total
    events = file.create_group("events")
    events.attrs.update({"seed": maker.seed, "beams": "pp, 13 TeV; Pythia 8 without multiparton interactions"})
    events.attrs.update(kind.ATTRIBUTES)
    for label, settings in enumerate(kind.CLASSES):
        events.attrs[f"settings of label {label}"] = "; ".join(settings)
    for name, type, width, unit in kind.COLUMNS:
        chunk = events_file.ROWS if width == 1 else generator.CHUNK
        events_file.add(events, name, type, total, width, chunk).attrs["units"] = unit
    progress, generated, done = Progress(total, kind.UNIT), np.zeros(len(kind.CLASSES), np.int64), 0
    with contextlib.closing(run(maker, processes)) as chunks:
        for columns, tried in chunks:
            count = len(columns["label"])
            for name, values in columns.items():
                events[name][done : done + count] = values
            generated += tried
            done += count
            progress.show(done)
            if signals:
                raise Stopped
    for label, number in enumerate(generated):
        events.attrs[f"generated of label {label}"] = number
    kind.finish(events, generated, maker.seed)


def write(path, maker, processes, signals):
    """Stops after a chunk, without a file, once `signals` has any."""
    with events_file.new(path) as file:
        fill(file, maker, processes, signals)
