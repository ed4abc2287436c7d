"""hep_events.py NAME FILE EVENTS SEED PROCESSES. Run it by scripts/hep-events, which checks these."""

import os
import signal
import sys

import generator
import simulate

name, path, events, seed, processes = sys.argv[1:]
os.dup2(2, 1)  # FastJet tells who wrote it
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
try:
    simulate.write(path, generator.Maker(name, int(seed), int(events)), int(processes))
except KeyboardInterrupt:
    sys.exit(130)
except (OSError, RuntimeError) as error:
    sys.exit(f"scripts/hep-events: {path}: {error}")
