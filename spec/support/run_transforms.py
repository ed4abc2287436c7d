"""run_transforms.py FOLDER: what hn.transform's kinds make of FOLDER/x (float32, events by features) with whole weights
in FOLDER/weight (int32), by NumPy, SciPy and scikit-learn; FOLDER/features holds the number of features as text. Writes
FOLDER/KIND as float64. A weight is so many equal events."""
import sys

import numpy
from scipy import linalg, stats
from sklearn import decomposition, preprocessing

folder = sys.argv[1]
features = int(open(folder + "/features").read())
x = numpy.fromfile(folder + "/x", numpy.float32).reshape(-1, features).astype(numpy.float64)
weight = numpy.fromfile(folder + "/weight", numpy.int32)
every = numpy.repeat(x, weight, axis=0)
first = numpy.cumsum(weight) - weight  # of the equal events


def pca():
    model = decomposition.PCA(svd_solver="full").fit(every)
    y = model.transform(x)
    largest = numpy.abs(model.components_).argmax(axis=1)
    return y * numpy.sign(model.components_[numpy.arange(features), largest])


ranks = (stats.rankdata(every, axis=0) - 0.5) / len(every)
results = {
    "log": numpy.sign(x) * numpy.log1p(numpy.abs(x)),
    "normalise": preprocessing.MinMaxScaler((-1, 1)).fit_transform(x),
    "standardise": preprocessing.StandardScaler().fit(x, sample_weight=weight).transform(x),
    "decorrelate": (x - every.mean(axis=0)) @ linalg.fractional_matrix_power(numpy.cov(every.T, ddof=0), -0.5),
    "pca": pca(),
    "uniform": ranks[first],
    "gauss": stats.norm.ppf(ranks)[first],
    "sklearn": preprocessing.QuantileTransformer(n_quantiles=len(every)).fit(every).transform(x),
}
for kind, y in results.items():
    y.astype(numpy.float64).tofile(f"{folder}/{kind}")
if len(x) < 10:
    for kind, y in results.items():
        print(kind, [[float(f"{v:.7g}") for v in row] for row in y])
