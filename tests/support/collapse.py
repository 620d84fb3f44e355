"""The verdict on collapse by docs/metrics.md, from the numbers of sweep.h5."""
import math

import numpy as np

GRADES = {"spread": (0.2, 0.33), "rankme": (0.1, 0.25), "alpha": (-1.75, -1.4), "share": (-0.95, -0.8)}
WORDS = {("no", "no"): "no", ("yes", "no"): "complete", ("no", "yes"): "dimensional", ("yes", "yes"): "both",
         ("partly", "no"): "partly complete", ("no", "partly"): "partly dimensional",
         ("partly", "partly"): "partly both", ("yes", "partly"): "complete, partly dimensional",
         ("partly", "yes"): "dimensional, partly complete"}


def grade(measure, value):
    yes, partly = GRADES[measure]
    return "yes" if value < yes else "partly" if value < partly else "no"


def verdict(file, view, trials, tau):
    """Of trials that differ in their seeds, at the last evaluation; `tau` of a variance loss, or None."""
    def mean(name, at=-1, view=view):
        return float(np.mean([np.asarray(file[f"{view}_{name}"])[i, at] for i in trials]))

    components = np.asarray(file[f"{view}_singular_values"])[trials[0], 0]
    largest = int(np.isfinite(components).sum())
    first = math.ceil(largest / 20) - 1
    share = float(np.mean([np.asarray(file[f"{view}_explained_variance"])[i, -1, first] for i in trials]))
    reference = tau or mean("feature_std_median", 0, "hy" if view == "hy_pred" else view)
    complete = grade("spread", mean("feature_std_median") / reference)
    alpha = mean("alpha_req")
    three = [grade("rankme", mean("rankme") / largest), grade("share", -share)]
    three += [] if math.isnan(alpha) else [grade("alpha", -alpha)]
    order = ["yes", "partly", "no"]
    dimensional = sorted(three, key=order.index)[1]
    return WORDS[complete, dimensional]
