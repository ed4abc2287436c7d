# What ROOT makes of networks and finds in files of scores, for root_spec.lua. An argument is a file of scores, or
# NETWORK:TYPE,TYPE,...: a network to score five events with, whose column c is c * event - 3, of those types in C++.
# Prints a line for each event, "ARGUMENT event score", or "ARGUMENT error TEXT".

import sys

import ROOT

ROOT.gSystem.Load("libhn")
ROOT.gInterpreter.Declare('#include "examples/root/network.h"')
ROOT.EnableImplicitMT(2)


def made_up(number, path, types):
    ROOT.gInterpreter.Declare(f'const Network network{number}("{path}");')
    frame = ROOT.RDataFrame(5).Define("event", "rdfentry_")
    names = [f"x{c}" for c in range(1, len(types) + 1)]
    for c, kind in enumerate(types, 1):
        frame = frame.Define(f"x{c}", f"{kind}({c} * double(event) - 3)")
    return frame.Define("score", f"network{number}({', '.join(names)})")


def show(number, argument):
    path, *types = argument.split(":")
    frame = made_up(number, path, types[0].split(",")) if types else ROOT.RDataFrame("scores", path)
    data = frame.AsNumpy(["event", "score"])
    for event, score in zip(data["event"], data["score"]):
        print(argument, event, f"{score:.9g}")


for number, argument in enumerate(sys.argv[1:]):
    try:
        show(number, argument)
    except Exception as error:
        print(argument, "error", str(error).replace("\n", " "))
