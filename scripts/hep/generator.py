"""Pythia's events in chunks, each with a seed of its own, so that they do not depend on which process makes them."""

import importlib
import math

import numpy as np
import pythia8mc

BEAMS = ["Beams:idA = 2212", "Beams:idB = 2212", "Beams:eCM = 13000", "PartonLevel:MPI = off", "Print:quiet = on"]
CHUNK = 100  # events of a chunk, half of each class


def pythia(settings, seed=1):
    made = pythia8mc.Pythia("", False)
    for line in BEAMS + settings + ["Random:setSeed = on", f"Random:seed = {seed}"]:
        if not made.readString(line):
            raise RuntimeError(f"Pythia does not know '{line}'")
    if not made.init():
        raise RuntimeError("Pythia does not start with " + "; ".join(settings))
    return made


def anti_kt(radius, least, eta=5.0):
    """Anti-kt jets of visible particles, from the least pT on."""
    return pythia8mc.SlowJet(-1, radius, least, eta, 2, 2)


def distance(a, b):
    """Of two momenta, in eta and phi."""
    return math.hypot(a.eta() - b.eta(), math.remainder(a.phi() - b.phi(), 2 * math.pi))


class Selection:
    """What is taken from Pythia's events of one class."""

    def __init__(self, label, made):
        self.label, self.pythia, self.generated = label, made, 0

    def chunk(self, count, seed):
        """So many events that are selected, each a table of values by column."""
        pythia8_seed, numpy_seed = np.random.SeedSequence(seed).spawn(2)
        self.pythia.rndm.init(int(pythia8_seed.generate_state(1)[0] % 900_000_000) + 1)
        random = np.random.default_rng(numpy_seed)
        events, self.generated = [], 0
        while len(events) < count:
            self.generated += 1
            if self.pythia.next():
                events.extend(self.select(random))
        return events[:count]


class Maker:
    """Makes chunks of both classes. Its Pythias start with the first chunk, in whichever process that is."""

    def __init__(self, name, seed, total):
        self.name, self.seed, self.total, self.selections = name, seed, total, None

    @property
    def kind(self):
        return importlib.import_module(self.name)

    def chunks(self):
        return range(-(-self.total // CHUNK))

    def __call__(self, number):
        """Columns of chunk `number` (from 0) in a random order, and how many events were generated of each class."""
        kind = self.kind
        if self.selections is None:
            self.selections = [kind.SELECTION(c, pythia(settings)) for c, settings in enumerate(kind.CLASSES)]
        first = number * CHUNK
        count = min(CHUNK, self.total - first)
        events = []
        for selection, some in zip(self.selections, (count - count // 2, count // 2)):
            for event in selection.chunk(some, (self.seed, number, selection.label)):
                event["label"] = selection.label
                events.append(event)
        order = np.random.default_rng((self.seed, number)).permutation(count)
        for place, one in enumerate(order):
            events[one]["event"] = first + place
        columns = {name: np.array([events[i][name] for i in order], type) for name, type, *_ in kind.COLUMNS
                   if name in events[0]}
        return columns, [selection.generated for selection in self.selections]
