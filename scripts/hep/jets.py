"""Jet images: boosted top quarks that decay to quarks against light quarks and gluons."""

import math

import numpy as np

import generator

UNIT = "jets"
SIDE, REACH = 40, 1.0  # pixels of a side; from the axis to the edge
PT, ETA, RADIUS = (400, 650), 2.0, 1.0

COMMON = ["PhaseSpace:pTHatMin = 325", "PhaseSpace:pTHatMax = 900"]
QCD = ["gg2gg", "gg2qqbar", "qg2qg", "qq2qq", "qqbar2gg", "qqbar2qqbarNew"]
CLASSES = [
    COMMON + ["HardQCD:nQuarkNew = 3"] + [f"HardQCD:{process} = on" for process in QCD],
    COMMON + ["Top:gg2ttbar = on", "Top:qqbar2ttbar = on", "24:onMode = off", "24:onIfAny = 1 2 3 4 5"],
]

ATTRIBUTES = {
    "description": "label 1: pp -> t tbar, both to quarks; 0: light quarks and gluons. The two hardest jets of an "
    "event, top jets within 1.0 of a top quark. Images: pT of the visible particles around their centre, the "
    "principal axis upright, the hardest quadrant on the right above, row by row from the top; each sums to 1",
    "jets": f"anti-kt R = {RADIUS}, pT {PT[0]}-{PT[1]} GeV, |eta| < {ETA}",
    "pixels": f"{SIDE} x {SIDE}, eta and phi within {REACH} of the centre",
}
# Names, types, numbers of an event, units.
COLUMNS = [
    ("images", "f4", SIDE * SIDE, "part of the jet's pT"),
    ("label", "u1", 1, "1 top, 0 light"),
    ("mass", "f4", 1, "GeV"),
    ("pt", "f4", 1, "GeV"),
    ("eta", "f4", 1, ""),
    ("event", "i8", 1, "number of the jet"),
]


def image(pt, eta, phi):
    """The picture of a jet from its particles, whose angles are from its axis."""
    part = pt / pt.sum()
    eta, phi = eta - part @ eta, phi - part @ phi
    turn = 0.5 * math.atan2(2 * (part @ (eta * phi)), part @ (eta**2 - phi**2))
    x, y = eta * math.sin(turn) - phi * math.cos(turn), eta * math.cos(turn) + phi * math.sin(turn)
    right, up = x >= 0, y >= 0
    quadrants = np.bincount(2 * up + right, part, 4)
    hardest = int(quadrants.argmax())
    if not hardest & 1:
        x = -x
    if not hardest & 2:
        y = -y
    column = np.floor((x + REACH) * (SIDE / 2 / REACH)).astype(int)
    row = np.floor((REACH - y) * (SIDE / 2 / REACH)).astype(int)
    inside = (column >= 0) & (column < SIDE) & (row >= 0) & (row < SIDE)
    pixels = np.bincount(row[inside] * SIDE + column[inside], part[inside], SIDE * SIDE)
    return (pixels / pixels.sum()).astype(np.float16)  # 11 bits are enough, and the file is smaller


class Jets(generator.Selection):
    """Finds and draws the jets of Pythia's events."""

    def __init__(self, label, pythia):
        super().__init__(label, pythia)
        self.finder = generator.anti_kt(RADIUS, PT[0])

    def near_top(self, axis):
        event = self.pythia.event
        return any(generator.distance(axis, event[event[top].iBotCopyId()].p()) < RADIUS for top in (5, 6))

    def select(self, _):
        event, finder = self.pythia.event, self.finder
        finder.analyze(event)
        for jet in range(min(2, finder.sizeJet())):
            axis = finder.p(jet)
            if finder.pT(jet) > PT[1] or abs(axis.eta()) > ETA or (self.label == 1 and not self.near_top(axis)):
                continue
            particles = [event[i] for i in finder.constituents(jet)]
            pt = np.array([p.pT() for p in particles])
            eta = np.array([p.eta() for p in particles]) - axis.eta()
            phi = np.remainder(np.array([p.phi() for p in particles]) - axis.phi() + math.pi, 2 * math.pi) - math.pi
            yield {"images": image(pt, eta, phi), "mass": finder.m(jet), "pt": finder.pT(jet), "eta": axis.eta()}


SELECTION = Jets


def finish(*_):
    """Jets have no weights."""
