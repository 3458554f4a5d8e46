"""Node probe: what a linear map can read off the features of a graph's nodes. The unit is the node."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from selftaught.parts import BadInput
from selftaught.protocols import Model
from selftaught.types import Bools, Evaluation, Floats, Ints, ScoreRequest

Z = 1.959964
STRENGTHS: Sequence[float] = (0.1, 1.0, 10.0, 100.0, 1000.0)
FOLDS = 5


async def node_features(model: Model, graph: Any, weights: str = "policy") -> Floats:
    """f32[N,D]: a model's features of all nodes of a whole graph, outside any run and its budget."""
    [reply] = await model.score([ScoreRequest(key="probe", payload=graph, outputs=("features",), weights=weights)])
    return reply["features"]


def node_probe(features_N_D: Floats, labels_N: Ints, train_N: Bools, test_N: Bools) -> Evaluation:
    """Fit a logistic regression on some nodes and measure it on others; nodes with label -1 have none and do not count.

    Features are centered and brought to mean length 1 by the training nodes. How strongly the regression is held back
    is chosen among `STRENGTHS` by cross-validation on the training nodes, so that features of any kind are read alike well.

    Returns:
        An `Evaluation` whose per_item f32[nodes] is 1 where a node is right, in the order of nodes; low and high are from
        its standard error.

    Raises:
        BadInput: scikit-learn is missing.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV, StratifiedKFold
    except ImportError:
        raise BadInput("probes need scikit-learn: pip install 'selftaught[tables]'") from None
    known_K, asked_K = (np.flatnonzero(chosen_N & (labels_N >= 0)) for chosen_N in (train_N, test_N))
    centered_N_D = features_N_D.astype(np.float64) - features_N_D[known_K].mean(0, dtype=np.float64)
    centered_N_D /= max(float(np.linalg.norm(centered_N_D[known_K], axis=1).mean()), 1e-12)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    search = GridSearchCV(LogisticRegression(max_iter=2000), {"C": list(STRENGTHS)}, cv=folds)
    search.fit(centered_N_D[known_K], labels_N[known_K])
    right_K = (search.predict(centered_N_D[asked_K]) == labels_N[asked_K]).astype(np.float32)
    value, error = float(right_K.mean()), float(right_K.std(ddof=1) / np.sqrt(len(right_K)))
    return Evaluation(
        name="node-probe-accuracy", value=value, low=value - Z * error, high=value + Z * error, n=len(right_K), per_item=right_K
    )
