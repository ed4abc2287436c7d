"""The examples of physics beside PyTorch and boosted trees on the same events, and single predictions. Run it by
scripts/bench-peers physics.

Sets are those of scripts/hep-events; every contestant trains on the events whose numbers do not divide by 5, and is
judged by the others, once. Networks take the settings that the examples do without a search; the trees are
scikit-learn's with early stopping.
"""

import argparse
import ctypes
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import h5py
import numpy as np

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
import torch  # noqa: E402
from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

RATE = 2e-3  # of Adam, as in examples/physics/compare.lua
ENERGY = re.compile(r"pt$|^met$|^m_")


def transformed_higgs(x, names):
    """As examples/physics/higgs.lua: logarithms of energies and masses, then mean 0 and deviation 1."""
    x = x.copy()
    for k, name in enumerate(names):
        if ENERGY.search(name):
            x[:, k] = np.log1p(x[:, k])
    return x


class Set:
    """Features, labels and weights of both parts; x has what the networks see, trees see the columns."""

    def __init__(self, path, name):
        try:
            file = h5py.File(path, "r")
        except OSError as error:
            sys.exit(f"bench_physics.py: {error}; `scripts/hep-events {name} -o {path}` makes it")
        events = file["events"]
        self.label = events["label"][:].astype(np.int64)
        self.weight = events["weight"][:].astype(np.float64) if "weight" in events else np.ones(len(self.label))
        if name == "jets":
            self.columns = events["images"][:]
            self.x = 40 * np.log1p(100 * self.columns) / 100  # as examples/physics/jets.lua
        else:
            names = [k for k in events if k not in ("label", "weight", "event")]
            self.columns = np.stack([events[k][:] for k in names], 1)
            self.x = transformed_higgs(self.columns, names)
        test = events["event"][:] % 5 == 0
        self.train, self.test = np.flatnonzero(~test), np.flatnonzero(test)
        for label in (0, 1):  # both classes weigh as many events as there are, as normalise_weights = "equal" does
            rows = self.label == label
            self.weight[rows] *= len(self.label) / 2 / self.weight[rows & ~test].sum()
        if name == "higgs":
            self.x = (self.x - self.x[self.train].mean(0)) / self.x[self.train].std(0)

    def area(self, scores):
        return roc_auc_score(self.label[self.test], scores, sample_weight=self.weight[self.test])


def torch_network(inputs, hidden, outputs=2):
    sizes = (inputs, *hidden)
    layers = [part for i, j in zip(sizes, sizes[1:]) for part in (nn.Linear(i, j), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))


def train_torch(data, hidden, batch, epochs):
    """Area and seconds of training."""
    torch.manual_seed(1)
    x, y = torch.from_numpy(data.x[data.train]).float(), torch.from_numpy(data.label[data.train])
    weight = torch.from_numpy(data.weight[data.train]).float()
    started = time.perf_counter()
    net = torch_network(x.shape[1], hidden)
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE, fused=True)
    steps = epochs * math.ceil(len(x) / batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for first in range(0, len(x), batch):
            rows = order[first : first + batch]
            loss = functional.cross_entropy(net(x.index_select(0, rows)), y[rows], reduction="none")
            ((loss * weight[rows]).sum() / weight[rows].sum()).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    seconds = time.perf_counter() - started
    with torch.inference_mode():
        answer = net(torch.from_numpy(data.x[data.test]).float())
    return data.area((answer[:, 1] - answer[:, 0]).numpy()), seconds


def train_trees(data):
    started = time.perf_counter()
    trees = HistGradientBoostingClassifier(learning_rate=0.05, max_iter=500, max_leaf_nodes=15, early_stopping=True,
                                           random_state=1)
    trees.fit(data.columns[data.train], data.label[data.train], sample_weight=data.weight[data.train])
    seconds = time.perf_counter() - started
    return data.area(trees.decision_function(data.columns[data.test])), seconds


def ours(name, o, path, epochs):
    """Rows (network, stored, AUC, seconds) of the example."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["./hnrun", "--threads", str(o.threads), f"examples/physics/{name}.lua", "--data", path,
                 "--trials", "1", "--epochs", str(epochs), "--out", f"{folder}/{name}"]
        text = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 7 and cells[1].isdigit():
            yield f"hnrun {cells[0]}", int(cells[1]), float(cells[3]), float(cells[5])


def compare(name, o, path, hidden, batch, epochs):
    data = Set(path, name)
    print(f"\n{name}: {len(data.train)} events to train with, {len(data.test)} to test, {epochs} epochs")
    print(f"{'':28}{'stored':>10}{'AUC':>9}{'seconds':>10}")
    for row in ours(name, o, path, epochs):
        print("{:28}{:10}{:9.4f}{:10.1f}".format(*row), flush=True)
    stored = sum(p.numel() for p in torch_network(data.x.shape[1], hidden).parameters())
    print("{:28}{:10}{:9.4f}{:10.1f}".format("PyTorch dense", stored, *train_torch(data, hidden, batch, epochs)),
          flush=True)
    print("{:28}{:>10}{:9.4f}{:10.1f}".format("scikit-learn boosted trees", "", *train_trees(data)), flush=True)


NETWORK = """
local hn, nn = require "hn", require "hn".nn
hn.use { device = "cpu", threads = 1, seed = 1 }
for name, layer in pairs {
  dense = nn.Linear,
  hashed = function(inputs, outputs) return nn.Hashed(inputs, outputs, { compression = "1/8" }) end,
} do
  nn.Sequential { layer(28, 300), nn.ReLU(), layer(300, 300), nn.ReLU(), layer(300, 300), nn.ReLU(), layer(300, 1) }
    :save(arg[1] .. "/" .. name .. ".hn")
end
"""


def microseconds(predict):
    """Of one call, the median of turns."""
    turns = []
    for _ in range(15):
        started = time.perf_counter()
        for _ in range(2000):
            predict()
        turns.append(500 * (time.perf_counter() - started))
    return statistics.median(turns)


def predictions():
    """One event at a time through 28-300-300-300-1, ours through C's hn_model_predict, called by ctypes."""
    library = ctypes.CDLL(os.path.abspath("build/libhn.so"))
    x, y = np.random.default_rng(1).normal(size=28).astype(np.float32), np.zeros(1, np.float32)
    print("\nmicroseconds of one prediction of 28-300-300-300-1, one thread")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["./hnrun", "-", folder], input=NETWORK, text=True, check=True)
        for name in ("dense", "hashed"):
            model = ctypes.c_void_p()
            if library.hn_model_load(f"{folder}/{name}.hn".encode(), ctypes.byref(model)) != 0:
                sys.exit("bench_physics.py: the network does not load")
            arguments = (model, ctypes.c_int64(1), ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data))
            print(f"{'hnrun ' + name + (' 1/8' if name == 'hashed' else ''):28}"
                  f"{microseconds(lambda: library.hn_model_predict(*arguments)):10.1f}")
            library.hn_model_close(model)
    torch.set_num_threads(1)
    net, event = torch_network(28, (300, 300, 300), 1).eval(), torch.from_numpy(x).unsqueeze(0)
    with torch.inference_mode():
        print(f"{'PyTorch':28}{microseconds(lambda: net(event)):10.1f}")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench-peers physics")
    parser.add_argument("--threads", type=int, default=2, help="of either side (2)")
    parser.add_argument("--jets", default="build/data/jets.h5", metavar="FILE", help="of scripts/hep-events jets")
    parser.add_argument("--higgs", default="build/data/higgs.h5", metavar="FILE", help="of scripts/hep-events higgs")
    parser.add_argument("--jets-epochs", type=int, default=8, metavar="N", help="passes over the jets (8)")
    parser.add_argument("--higgs-epochs", type=int, default=8, metavar="N", help="passes over the Higgs events (8)")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    os.environ["OMP_NUM_THREADS"] = str(o.threads)
    print(f"PyTorch {torch.__version__}, {o.threads} threads; load {os.getloadavg()[0]:.2f} before")
    predictions()
    torch.set_num_threads(o.threads)
    compare("jets", o, o.jets, (1000,), 100, o.jets_epochs)
    compare("higgs", o, o.higgs, (128,) * 4, 128, o.higgs_epochs)


if __name__ == "__main__":
    main()
