"""boosting.py FILE...: scikit-learn's gradient boosting on the files of scripts/hep-events, as a first reference.

Trains on all events but every fifth (event % 5 == 0), which tell how good it is: the area under the ROC curve and the
background rejection, 1 / (background left), where half of the signal is kept. Needs h5py and scikit-learn.
"""

import sys
import time

import h5py
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score, roc_curve


def sets(events):
    """Names and features: the images, or what is measured, the masses of it, and both."""
    if "images" in events:
        return {"images": events["images"][:].astype(np.float32)}
    names = [name for name in events if name not in ("label", "weight", "event")]
    masses = [name for name in names if name.startswith("m_")]
    measured = [name for name in names if name not in masses]

    def stack(columns):
        return np.column_stack([events[name][:] for name in columns])

    return {"21 measured": stack(measured), "7 masses": stack(masses), "all 28": stack(measured + masses)}


def score(features, label, test):
    start = time.process_time()
    trees = HistGradientBoostingClassifier(learning_rate=0.05, max_iter=500, max_leaf_nodes=15, early_stopping=True,
                                           random_state=1)
    trees.fit(features[~test], label[~test])
    response = trees.predict_proba(features[test])[:, 1]
    seconds = time.process_time() - start
    background, signal, _ = roc_curve(label[test], response)
    rejection = 1 / np.interp(0.5, signal, background)
    return roc_auc_score(label[test], response), rejection, trees.n_iter_, seconds


for path in sys.argv[1:]:
    with h5py.File(path) as file:
        events = file["events"]
        label, test = events["label"][:], events["event"][:] % 5 == 0
        for name, features in sets(events).items():
            auc, rejection, trees, seconds = score(features, label, test)
            print(f"{path}, {name}: AUC {auc:.4f}, rejection {rejection:.1f} at half of the signal, {trees} trees, "
                  f"{seconds:.1f} s of CPU", flush=True)
