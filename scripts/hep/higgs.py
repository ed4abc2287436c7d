"""The benchmark of UCI's HIGGS (Baldi, Sadowski, Whiteson, 2014), remade: heavy Higgs bosons against pairs of tops."""

import itertools
import math

import numpy as np

import generator

UNIT = "events"
RADIUS, PT, ETA = 0.4, 20.0, 2.5
MASSES = {"W": 80.4, "top": 173.0, "H+": 325.0}
TAGGED = {"b": 0.7, "c": 0.1, "light": 0.01}

# Without couplings to WW and ZZ, which would make H(425) 36 GeV wide.
HIGGS = ["Higgs:useBSM = on", "HiggsBSM:gg2H2 = on", "35:m0 = 425", "37:m0 = 325", "25:m0 = 125", "HiggsH2:coup2W = 0",
         "HiggsH2:coup2Z = 0", "HiggsH2:coup2HchgW = 1"]
PRODUCTION = [["Top:gg2ttbar = on", "Top:qqbar2ttbar = on"], HIGGS]
CHAIN = ["35:onMode = off", "35:onIfMatch = 24 -37", "35:onIfMatch = -24 37", "37:onMode = off",
         "37:onIfMatch = 24 25", "25:onMode = off", "25:onIfMatch = 5 -5"]
LEPTON = ["24:onMode = off", "24:onPosIfAny = 11 13", "24:onNegIfAny = 1 2 3 4 5"]
CLASSES = [PRODUCTION[0] + LEPTON, PRODUCTION[1] + CHAIN + LEPTON]
FIRST = [(5, 6), (5,)]  # where the heavy particles are in Pythia's record

ATTRIBUTES = {
    "description": "label 1: gg -> H(425) -> W H+-(325), H+- -> W h(125), h -> bb; 0: pp -> t tbar -> WWbb; W+ to e or "
    "mu, W- to quarks (the weights count the opposite charge as well)",
    "selection": f"a lepton and at least four jets (anti-kt R = {RADIUS}) with pT > {PT} GeV, |eta| < {ETA}, "
    f"the lepton at least {RADIUS} from the four hardest, which are kept",
    "detector": "the lepton's pT is smeared by 2 %, jets' energies by 60 %/sqrt(E/GeV) and 3 %, missing momentum with "
    "these and by 5 GeV along x and y; jets of b, c and light hadrons have b-tags with probabilities "
    + ", ".join(str(p) for p in TAGGED.values()),
    "masses": "m_lv: the neutrino's pz from the W's mass, where it can have it; b: the two jets with most tags whose "
    "others are nearest to a W; jjj and jlv: the pairing nearest to two tops; wbb: of the two W the one nearest to H+-",
}
NAMES = ["m_jj", "m_jjj", "m_lv", "m_jlv", "m_bb", "m_wbb", "m_wwbb"]
COLUMNS = [
    ("lepton_pt", "f4", 1, "GeV"), ("lepton_eta", "f4", 1, ""), ("lepton_phi", "f4", 1, ""),
    ("met", "f4", 1, "GeV"), ("met_phi", "f4", 1, ""),
    *[(f"jet{k}_{name}", "f4", 1, unit) for k in range(1, 5)
      for name, unit in (("pt", "GeV"), ("eta", ""), ("phi", ""), ("btag", "1 or 0"))],
    *[(name, "f4", 1, "GeV") for name in NAMES],
    ("label", "u1", 1, "1 Higgs, 0 tops"),
    ("weight", "f4", 1, "events for 1/fb"),
    ("event", "i8", 1, "number of the event"),
]


def flavour(id):
    """What particles of this number say of the jet that they are in."""
    digits = (id // 100 % 10, id // 1000 % 10)
    return "nu" if id in (12, 14, 16) else "b" if 5 in digits else "c" if 4 in digits else None


FLAVOURS = {id: flavour(id) for id in range(6000)}


def vector(pt, eta, phi, mass=0.0):
    """Momentum: px, py, pz, E."""
    p = pt * math.cosh(eta)
    return np.array([pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta), math.sqrt(p * p + mass * mass)])


def mass_of(p):
    return math.sqrt(max(0.0, p[3] ** 2 - p[0] ** 2 - p[1] ** 2 - p[2] ** 2))


def neutrino(lepton, x, y):
    """With the missing momentum and the pz that gives lepton and neutrino the W's mass: of two the smaller one, if
    there is none, what comes nearest."""
    a = MASSES["W"] ** 2 / 2 + lepton[0] * x + lepton[1] * y
    pt2 = lepton[0] ** 2 + lepton[1] ** 2
    root = math.sqrt(max(0.0, a * a - pt2 * (x * x + y * y))) * lepton[3]
    z = min(((a * lepton[2] + sign * root) / pt2 for sign in (1, -1)), key=abs)
    return np.array([x, y, z, math.sqrt(x * x + y * y + z * z)])


def masses(lepton, x, y, jets, tags):
    """The seven masses from momenta."""
    def parted(pair):
        """What is to be least, tags that are missed and the other two's distance from a W, and both pairs."""
        jj = sum(jets[k] for k in range(4) if k not in pair)
        return -sum(tags[k] for k in pair), abs(mass_of(jj) - MASSES["W"]), [jets[k] for k in pair], jj

    b, jj = min(map(parted, itertools.combinations(range(4), 2)), key=lambda parts: parts[:2])[2:]
    lv = lepton + neutrino(lepton, x, y)
    tops = [(mass_of(jj + b[k]), mass_of(lv + b[1 - k])) for k in (0, 1)]
    jjj, jlv = min(tops, key=lambda two: sum(abs(m - MASSES["top"]) for m in two))
    bb = b[0] + b[1]
    wbb = min((mass_of(w + bb) for w in (jj, lv)), key=lambda m: abs(m - MASSES["H+"]))
    return mass_of(jj), jjj, mass_of(lv), jlv, mass_of(bb), wbb, mass_of(jj + lv + bb)


class Events(generator.Selection):
    def __init__(self, label, pythia):
        super().__init__(label, pythia)
        self.finder = generator.anti_kt(RADIUS, 10.0)

    def lepton(self, rows):
        """The electron or muon, after radiation, of the W that these come to, or None."""
        event = self.pythia.event
        for row in rows:
            for daughter in event[event[row].iBotCopyId()].daughterList():
                id = event[daughter].idAbs()
                if id in (11, 13):
                    return event[daughter].iBotCopyId()
                found = self.lepton([daughter]) if id in (24, 37) else None
                if found:
                    return found
        return None

    def jets(self, random):
        """Jets as they are measured, from the hardest on: momentum, axis, measured part of the true one."""
        finder = self.finder
        finder.analyze(self.pythia.event)
        found = []
        for k in range(finder.sizeJet()):
            p = finder.p(k)
            if abs(p.eta()) < ETA:
                part = max(0.0, 1 + random.normal() * math.hypot(0.6 / math.sqrt(p.e()), 0.03))
                found.append((part * np.array([p.px(), p.py(), p.pz(), p.e()]), p, part))
        return sorted(found, key=lambda jet: -math.hypot(jet[0][0], jet[0][1]))

    def content(self):
        """Hadrons with b and c, and the neutrinos' momentum."""
        hadrons, x, y = {"b": [], "c": []}, 0.0, 0.0
        for particle in self.pythia.event:
            found = FLAVOURS.get(particle.idAbs())
            if found == "nu" and particle.isFinal():
                x, y = x + particle.px(), y + particle.py()
            elif found in hadrons and particle.pT() > 5:
                hadrons[found].append(particle.p())
        return hadrons, x, y

    def tag(self, axis, hadrons, random):
        near = [f for f in "bc" if any(generator.distance(axis, h) < RADIUS for h in hadrons[f])] + ["light"]
        return float(random.random() < TAGGED[near[0]])

    def select(self, random):
        event, row = self.pythia.event, self.lepton(FIRST[self.label])
        true = event[row].p()
        event[row].statusNeg()  # so that no jet has it
        part = max(0.0, 1 + 0.02 * random.normal())
        if part * true.pT() < PT or abs(true.eta()) > ETA:
            return
        jets = self.jets(random)
        if len(jets) < 4 or math.hypot(*jets[3][0][:2]) < PT:
            return
        if any(generator.distance(true, axis) < RADIUS for _, axis, _ in jets[:4]):
            return
        hadrons, x, y = self.content()
        x += (1 - part) * true.px() + 5 * random.normal() + sum((1 - r) * axis.px() for _, axis, r in jets)
        y += (1 - part) * true.py() + 5 * random.normal() + sum((1 - r) * axis.py() for _, axis, r in jets)
        tags = [self.tag(axis, hadrons, random) for _, axis, _ in jets[:4]]
        lepton = vector(part * true.pT(), true.eta(), true.phi())
        values = [part * true.pT(), true.eta(), true.phi(), math.hypot(x, y), math.atan2(y, x)]
        for (p, axis, _), tag in zip(jets, tags):
            values += [math.hypot(p[0], p[1]), axis.eta(), axis.phi(), tag]
        values += masses(lepton, x, y, [p for p, *_ in jets[:4]], tags)
        yield dict(zip((name for name, *_ in COLUMNS), values))


SELECTION = Events


def cross_section(label, seed, events=20000):
    """In fb, of both charges; the branching fractions of CHAIN count as one."""
    whole = generator.pythia(PRODUCTION[label] + ["PartonLevel:all = off"], seed + 1)
    for _ in range(events):
        whole.next()
    part = generator.pythia(CLASSES[label]).particleData.resOpenFrac(24, -24)
    return 2 * part * whole.infoPython().sigmaGen() * 1e12


def finish(events, generated, seed):
    """Writes the weights."""
    each = []
    for label, number in enumerate(generated):
        sigma = cross_section(label, seed)
        events.attrs[f"cross-section of label {label}, fb"] = sigma
        each.append(sigma / number)
    events["weight"][:] = np.where(events["label"][:] == 1, each[1], each[0])
