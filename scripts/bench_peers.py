"""PyTorch on the work of scripts/bench.lua, in turns with it. Run it by scripts/bench-peers.

Two peers: dense layers as PyTorch has them, and HashLinear, the hashed layer that people write in PyTorch today: an
int64 index and a float sign for each virtual weight, and the dense matrix w[index] * sign made anew in each step.
Ours runs in a process of its own that sleeps while it isn't asked; so do PyTorch's threads soon after their work.
"""

import argparse
import csv
import gzip
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings

warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

FASHION = "/usr/share/datasets/fashion-mnist"
EPOCH = 1200  # minibatches of 50 in an epoch of 60,000
BATCH = 50


class HashLinear(nn.Module):
    """y = x V' + b with V = w[index] * sign. Random tables do for timing: which hash fills them makes no difference."""

    def __init__(self, inputs, outputs, compression):
        super().__init__()
        buckets = max(1, round(inputs * outputs * compression))
        self.weight = nn.Parameter(torch.randn(buckets) * (2 / inputs) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.register_buffer("index", torch.randint(buckets, (outputs, inputs)))
        self.register_buffer("sign", torch.randint(2, (outputs, inputs)).float() * 2 - 1)

    def forward(self, x):
        return functional.linear(x, self.weight[self.index] * self.sign, self.bias)


def new_layer(inputs, outputs, compression):
    return HashLinear(inputs, outputs, compression) if compression else nn.Linear(inputs, outputs)


def new_optimizer(net, rate):
    # fused: one pass over the weights; the fastest of PyTorch's three ways here (1.0 ms, foreach 1.1, loop 1.2).
    return torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, fused=True)


def new_step(inputs, outputs, batch, compression):
    """Forward, gradients of input, weights and bias, update. The gradient of y is given, where ours sums y up."""
    net = new_layer(inputs, outputs, compression)
    optimizer = new_optimizer(net, 1e-7)
    x = (torch.rand(batch, inputs) - 0.5).requires_grad_()
    dy = torch.ones(batch, outputs)

    def step():
        net(x).backward(dy)
        optimizer.step()
        optimizer.zero_grad()
        x.grad = None

    return step


def new_forward(inputs, outputs, batch, compression):
    net = new_layer(inputs, outputs, compression)
    x = torch.rand(batch, inputs) - 0.5

    def step():
        with torch.inference_mode():
            net(x)

    return step


def read_idx(folder, name):
    """The bytes of an IDX file, plain or gzip, and their shape."""
    path = os.path.join(folder, name)
    with gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb") as file:
        content = file.read()
    shape = [int.from_bytes(content[4 + 4 * i : 8 + 4 * i], "big") for i in range(content[3])]
    values = torch.frombuffer(bytearray(content[4 + 4 * len(shape) :]), dtype=torch.uint8)
    return values.reshape(shape)


def read_data():
    folder = os.environ.get("HN_DATA", FASHION)
    x = read_idx(folder, "train-images-idx3-ubyte").flatten(1).float() / 255
    return x, read_idx(folder, "train-labels-idx1-ubyte").long()


def endless(data, batch=BATCH):
    """Minibatches without end, shuffled anew for each pass."""
    x, y = data
    while True:
        order = torch.randperm(len(x))
        for first in range(0, len(x), batch):
            rows = order[first : first + batch]
            yield x.index_select(0, rows), y.index_select(0, rows)


def training(net, optimizer, minibatches, loss):
    """A step that takes the next minibatch."""

    def step():
        x, y = next(minibatches)
        loss(net(x), y).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def new_minibatch(data, compression):
    net = nn.Sequential(new_layer(784, 1000, compression), nn.ReLU(), new_layer(1000, 10, compression))
    optimizer = new_optimizer(net, 0.01)
    return training(net, optimizer, endless(data), functional.cross_entropy)


def new_events(batch, compression):
    sizes = (28, 300, 300, 300, 1)
    layers = [new_layer(i, j, compression) for i, j in zip(sizes, sizes[1:])]
    net = nn.Sequential(*[part for layer in layers[:-1] for part in (layer, nn.ReLU())], layers[-1])
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-4, fused=True)
    events = torch.rand(100 * batch, 28) - 0.5, torch.arange(100 * batch).unsqueeze(1).float() % 2
    return training(net, optimizer, endless(events, batch), functional.binary_cross_entropy_with_logits)


class Peer:
    """A contestant in PyTorch. A turn gives milliseconds, as a turn of ours does."""

    def __init__(self, name, make, minibatches=None, seconds=0.15):
        self.name, self.make, self.minibatches, self.seconds = name, make, minibatches, seconds
        self.step, self.turns = None, []

    def prepare(self):
        self.step = self.make()
        self.step()

    def turn(self):
        self.turns.append(self.timed_turn() if self.minibatches is None else self.epoch_turn())

    def timed_turn(self):
        started = time.perf_counter()
        self.step()
        times = []
        while len(times) < 2 or time.perf_counter() - started < self.seconds:
            start = time.perf_counter()
            self.step()
            times.append(time.perf_counter() - start)
        return 1000 * statistics.median(times)

    def epoch_turn(self):
        # A second is enough: HashLinear takes one for what dense layers do in a sixth.
        start, done = time.perf_counter(), 0
        while done < self.minibatches and time.perf_counter() - start < 1:
            self.step()
            done += 1
        return 1000 * (time.perf_counter() - start) * EPOCH / done


class Ours:
    """A contestant of scripts/bench.lua, by its name there."""

    def __init__(self, engine, name):
        self.engine, self.name, self.turns = engine, name, []

    def prepare(self):
        self.engine.ask(self.name)

    def turn(self):
        self.turns.append(self.engine.ask(self.name))


class Engine:
    """./hnrun scripts/bench.lua --turns, answering names with milliseconds."""

    def __init__(self, o):
        words = ["./hnrun", "--threads", str(o.threads), "scripts/bench.lua", "--turns"] + ["--quick"] * o.quick
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("bench_peers.py: scripts/bench.lua ended")
        return float(answer.split()[0])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


SCHEMES = ("line 1/8", "line 1/64", "element 1/8", "element 1/64")


def works(o, engine):
    """Works as (name, rounds, contestants), made one after the other, so that each has the memory for itself."""
    seconds = 0.005 if o.quick else 0.15
    rounds = 2 if o.quick else 11

    def ours(work, weights):
        return [Ours(engine, f"{work} {one}") for one in weights]

    def torch_step(work, make, compressions, **more):
        names = {None: "PyTorch dense", 1 / 8: "HashLinear 1/8", 1 / 64: "HashLinear 1/64"}
        return [Peer(f"{work} {names[c]}", lambda c=c: make(c), **more) for c in compressions]

    for inputs, outputs, batch, peers in (
        (784, 1000, 50, (None, 1 / 8, 1 / 64)),
        (4096, 4096, 50, (None, 1 / 8, 1 / 64)),
        (4096, 4096, 256, (None, 1 / 64)),
    ):
        work = f"step {inputs}x{outputs} {batch}"
        make = lambda c, i=inputs, j=outputs, b=batch: new_step(i, j, b, c)  # noqa: E731
        yield work, rounds, ours(work, ("dense",) + SCHEMES) + torch_step(work, make, peers, seconds=seconds)
    work = "forward 4096x4096 1"
    make = lambda c: new_forward(4096, 4096, 1, c)  # noqa: E731
    yield work, rounds, ours(work, ("dense",) + SCHEMES) + torch_step(work, make, (None, 1 / 64), seconds=seconds)
    work = "events 28-300-300-300-1 128"
    make = lambda c: new_events(128, c)  # noqa: E731
    yield work, rounds, ours(work, ("dense",) + SCHEMES) + torch_step(work, make, (None, 1 / 8), seconds=seconds)
    work = "epoch 784-1000-10 50"
    data = read_data()
    make = lambda c: new_minibatch(data, c)  # noqa: E731
    minibatches = 5 if o.quick else 100
    yield work, rounds, ours(work, ("dense",) + SCHEMES) + torch_step(
        work, make, (None, 1 / 8, 1 / 64), minibatches=minibatches
    )


def run(name, rounds, contestants, results):
    for one in contestants:
        one.prepare()
    for turn in range(rounds):
        for one in contestants if turn % 2 == 0 else reversed(contestants):
            one.turn()
    dense = {"ours": None, "PyTorch": None}
    for one in contestants:
        results[one.name] = statistics.median(one.turns), min(one.turns)
        if one.name == f"{name} dense":
            dense["ours"] = results[one.name][0]
        elif one.name == f"{name} PyTorch dense":
            dense["PyTorch"] = results[one.name][0]
    for one in contestants:
        median, least = results[one.name]
        print(
            f"{one.name:40}{median:10.3f}{least:10.3f}{median / dense['ours']:10.2f}"
            f"{median / dense['PyTorch']:11.2f}{len(one.turns):5}",
            flush=True,
        )


def bars():
    """What must hold: (contestant, those of which the fastest is the measure, bar)."""
    epoch, small, large = "epoch 784-1000-10 50", "step 784x1000 50", "step 4096x4096 50"
    larger, forward = "step 4096x4096 256", "forward 4096x4096 1"
    events = "events 28-300-300-300-1 128"
    yield f"{events} dense", [f"{events} PyTorch dense"], 0.667
    for c in ("1/8", "1/64"):
        yield f"{epoch} line {c}", [f"{epoch} PyTorch dense"], 0.8
    for c in ("1/8", "1/64"):
        yield f"{epoch} line {c}", [f"{epoch} HashLinear {c}"], 0.12
    for c in ("1/8", "1/64"):
        yield f"{small} element {c}", [f"{small} dense"], 1.3
        yield f"{small} line {c}", [f"{small} dense"], 1.0
    yield f"{large} element 1/64", [f"{large} dense"], 1.15
    yield f"{large} line 1/64", [f"{large} dense"], 0.82
    yield f"{large} element 1/8", [f"{large} dense"], 1.8
    yield f"{large} line 1/8", [f"{large} dense"], 1.05
    yield f"{larger} element 1/64", [f"{larger} dense"], 1.12
    yield f"{larger} line 1/64", [f"{larger} dense"], 1.02
    best = [f"{forward} dense", f"{forward} PyTorch dense"]
    yield f"{forward} element 1/64", best, 3
    yield f"{forward} line 1/64", best, 0.5
    yield f"{epoch} dense", [f"{epoch} PyTorch dense"], 0.9


def print_bars(results):
    """Ratios of medians, which the bars are for, and of the best turns, which other work on the machine moves less: where
    these two say different things, the run was not quiet enough to tell, or it is close."""
    print(f"\n{'ratios':70}{'medians':>9}{'least':>9}{'bar':>6}")
    for name, against, bar in bars():
        known = [one for one in against if one in results]
        if name in results and known:
            best = min(known, key=results.get)
            median, least = (ours / theirs for ours, theirs in zip(results[name], results[best]))
            doubt = "" if (median <= bar) == (least <= bar) else ", but not by the least"
            print(f"{name} / {' '.join(best.split()[3:]):{67 - len(name)}}{median:9.3f}{least:9.3f}{bar:6}"
                  f"  {'holds' if median <= bar else 'missed'}{doubt}")


def print_memory(o):
    """The column "beyond MiB" of the table of scripts/bench.lua."""
    words = ["./hnrun", "--threads", str(o.threads), "scripts/bench.lua", "--quick", "--csv", "--only", "step"]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    most = max(float(row["beyond MiB"]) for row in rows if row["weights"] != "dense")
    print(f"{'device memory of a hashed step beyond, MiB a thread: see bench.lua':70}{most:9.2f}{'':9}{4:6}"
          f"  {'holds' if most <= 4 else 'missed'}")


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench-peers")
    parser.add_argument("--quick", action="store_true", help="a look; the figures are rough")
    parser.add_argument("--only", default="", metavar="TEXT", help="works whose name has the text, such as 'step 784'")
    parser.add_argument("--threads", type=int, default=2, help="of either side (2)")
    return parser.parse_args()


def load():
    return os.getloadavg()[0]


def main():
    o = arguments()
    torch.set_num_threads(o.threads)
    print(f"python {platform.python_version()}, PyTorch {torch.__version__}, {torch.get_num_threads()} threads, "
          f"{torch.backends.cpu.get_cpu_capability()}, "
          f"{'MKL' if torch.backends.mkl.is_available() else 'no MKL'}; load {load():.2f} before")
    if load() > 0.7:
        print("The machine is busy. On several threads PyTorch's wait for each other and look worse by any factor; "
              "--threads 1 is fairer.")
    subprocess.run(["./hnrun", "--version"], check=True)
    print(f"\n{'milliseconds':40}{'median':>10}{'least':>10}{'/ours':>10}{'/PyTorch':>11}{'n':>5}"
          "    (/: over the dense one)", flush=True)
    engine, results = Engine(o), {}
    for name, rounds, contestants in works(o, engine):
        if o.only in name:
            run(name, rounds, contestants, results)
    engine.close()
    print_bars(results)
    print_memory(o)
    print(f"load {load():.2f} after")


if __name__ == "__main__":
    main()
