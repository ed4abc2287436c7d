# Scores every event of an RDataFrame with a trained network, on all cores, from Python:
#
#   export LD_LIBRARY_PATH=$(pkg-config --variable=libdir hn)
#   export ROOT_INCLUDE_PATH=$(pkg-config --variable=includedir hn)
#   python3 examples/root/score.py signal.hn events.csv scores.root
#
# The first two files are what train.lua writes; scores.root gets a tree with the score of each event.

import os
import sys

import ROOT

if len(sys.argv) != 4:
    sys.exit("usage: score.py network events scores")
network, events, scores = sys.argv[1:]

if ROOT.gSystem.Load("libhn") < 0:
    sys.exit("score.py: libhn.so is not in the folders of LD_LIBRARY_PATH")
ROOT.gInterpreter.Declare(f'#include "{os.path.dirname(os.path.abspath(__file__))}/network.h"')
ROOT.gInterpreter.Declare(f'const Network network(R"({network})");')

ROOT.EnableImplicitMT()
frame = ROOT.RDF.FromCSV(events)  # of a tree: ROOT.RDataFrame("tree", "file.root")
inputs = ", ".join(f"x{i}" for i in range(1, 29))
scored = frame.Define("score", f"network({inputs})")  # logarithm of the odds: above 0, rather signal

signal = scored.Filter("signal == 1").Mean("score")
background = scored.Filter("signal == 0").Mean("score")
scored.Snapshot("scores", scores, ["event", "score"])  # one loop over the events for all three
print(f"mean score of signal {signal.GetValue():.4f}, of background {background.GetValue():.4f}")

# What scoring alone costs: events that need no reading, all 28 numbers the same. The first loop also compiles.
inputs = ", ".join(28 * ["x"])
made_up = ROOT.RDataFrame(50000).Define("x", "rdfentry_ % 7 - 3.f").Define("score", f"network({inputs})")
for run in "compiled", "timed":
    clock = ROOT.TStopwatch()
    made_up.Sum("score").GetValue()
    cost = 1e6 * clock.RealTime() / 50000
print(f"{cost:.1f} us an event with {ROOT.GetThreadPoolSize()} threads")
