"""root_files.py FOLDER ROWS: events in ROOT files, for spec/hep_spec.lua. Event k, from 0: pt = k / 4, id = 10^10 + k,
flag = whether k is odd, hits = k mod 3 ones."""

import sys

import awkward
import numpy
import uproot

folder, rows = sys.argv[1], int(sys.argv[2])
k = numpy.arange(rows)
events = {"pt": (k / 4).astype("f4"), "id": k + 10**10, "flag": k % 2 == 1}
hits = awkward.Array([[1.0] * (i % 3) for i in range(rows)])

with uproot.recreate(folder + "/tree.root") as file:
    file.mktree("tree", {**{name: values.dtype for name, values in events.items()}, "hits": "var * float64"})
    half = rows // 2
    for part in (slice(0, half), slice(half, rows)):
        file["tree"].extend({**{name: values[part] for name, values in events.items()}, "hits": hits[part]})
with uproot.recreate(folder + "/ntuple.root") as file:
    file.mkrntuple("events", {**events, "hits": hits})
with uproot.recreate(folder + "/two.root") as file:
    file.mktree("a", {"x": "f8"}).extend({"x": k[:3]})
    file.mktree("sub/b", {"y": "f8"}).extend({"y": k[:5]})
with uproot.recreate(folder + "/none.root") as file:
    file["h"] = numpy.histogram(k)
