"""hep_events.py NAME FILE EVENTS SEED PROCESSES. Run it by scripts/hep-events, which checks these."""

import os
import signal
import sys

import generator
import simulate

name, path, events, seed, processes = sys.argv[1:]
os.dup2(2, 1)  # FastJet tells who wrote it
signals = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(number) != signal.SIG_IGN:
        signal.signal(number, lambda number, _: signals.append(number))
try:
    simulate.write(path, generator.Maker(name, int(seed), int(events)), int(processes), signals)
except simulate.Stopped:
    sys.exit(128 + signals[0])
except (OSError, RuntimeError) as error:
    sys.exit(f"scripts/hep-events: {path}: {error}")
