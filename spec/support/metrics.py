"""What scikit-learn, SciPy and NumPy make of the samples in a file, for spec/metrics_reference_spec.lua: a line of names and
numbers for each measure. Columns of the file: score (a probability), label (0 or 1), weight, repeats (an integer), and
the rest x."""
import sys

import numpy as np
from scipy import stats
from sklearn import calibration, metrics

data = np.loadtxt(sys.argv[1])
score, label, weight, repeats, x = data[:, 0], data[:, 1], data[:, 2], data[:, 3].astype(int), data[:, 4:]
signal = label == 1


def show(name, *numbers):
    print(name, " ".join(f"{float(n):.17g}" for n in np.concatenate([np.ravel(n) for n in numbers])), sep="\t")


show("auc", metrics.roc_auc_score(label, score))
show("auc weighted", metrics.roc_auc_score(label, score, sample_weight=weight))
background, efficiency, cut = metrics.roc_curve(label, score, sample_weight=weight, drop_intermediate=False)
show("background", background)
show("signal", efficiency)
show("cut", cut)
show("efficiency", np.interp([0.01, 0.1, 0.3], background, efficiency))
show("rejection", 1 / np.interp([0.3, 0.5, 0.7], efficiency, background))
s, b = 100 * efficiency[1:], 1000 * background[1:]
area = metrics.roc_auc_score(label, score, sample_weight=weight)
n, m = (weight[one].sum() ** 2 / (weight[one] ** 2).sum() for one in (signal, ~signal))
more = (n - 1) * (area / (2 - area) - area**2) + (m - 1) * (2 * area**2 / (1 + area) - area**2)
show("area's error", np.sqrt((area * (1 - area) + more) / (n * m)))
show("significance", s / np.sqrt(s + b))

edges = np.linspace(score.min(), score.max(), 41)
hs = np.histogram(score[signal], edges, weights=weight[signal])[0] / weight[signal].sum()
hb = np.histogram(score[~signal], edges, weights=weight[~signal])[0] / weight[~signal].sum()
both = hs + hb > 0
show("separation", ((hs - hb)[both] ** 2 / (hs + hb)[both]).sum() / 2)

observed, predicted = calibration.calibration_curve(label, score, n_bins=10)
show("observed", observed)
show("predicted", predicted)
sums = [np.histogram(score, np.linspace(0, 1, 11), weights=w)[0] for w in (weight, weight * label, weight * score)]
show("observed weighted", sums[1] / sums[0])
show("predicted weighted", sums[2] / sums[0])

sizes = signal.sum(), (~signal).sum()
for name, ks in {
    "ks": stats.ks_2samp(score[signal], score[~signal]),
    "ks same": stats.ks_2samp(x[signal, 0], x[~signal, 0]),
}.items():
    n = sizes[0] * sizes[1] / sum(sizes)
    show(name, ks.statistic, stats.kstwobign.sf(ks.statistic * np.sqrt(n)))
repeated = [np.repeat(score[one], repeats[one]) for one in (signal, ~signal)]
show("ks weighted", stats.ks_2samp(*repeated).statistic)

covariance = np.cov(x.T, aweights=weight)
deviation = np.sqrt(np.diag(covariance))
show("correlation", np.corrcoef(x.T))
show("correlation weighted", covariance / np.outer(deviation, deviation))
show("confusion", metrics.confusion_matrix(label, score > 0.5, sample_weight=weight))
