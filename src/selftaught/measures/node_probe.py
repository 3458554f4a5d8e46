"""Node probe: what a linear map can read off the features of a graph's nodes, from few labels. The unit is the node."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from selftaught.parts import BadInput, part
from selftaught.protocols import Model, Subject
from selftaught.stages import Measure
from selftaught.types import Bools, Evaluation, Floats, Ints, ScoreRequest

Z = 1.959964
# How little the regression may be held back; which of these is chosen on the labeled nodes alone.
STRENGTHS: Sequence[float] = (1.0, 10.0, 100.0, 1000.0)
FOLDS = 5


async def node_features(model: Model, graph: Any, weights: str = "policy") -> Floats:
    """f32[N,D]: a model's features of all nodes of a whole graph, outside any run and its budget."""
    [reply] = await model.score([ScoreRequest(key="probe", payload=graph, outputs=("features",), weights=weights)])
    return reply["features"]


def node_probe(
    features_N_D: Floats, labels_N: Ints, train_N: Bools, test_N: Bools, per_class: int = 10, seeds: Sequence[int] = range(6)
) -> Evaluation:
    """Fit logistic regressions on a few labeled nodes, and measure them on others; the mean over draws of those few counts.

    Features are centered and brought to mean length 1, as they are or with equal variance in every dimension. Which of the
    two, and how strongly a regression is held back (`STRENGTHS`), is chosen by cross-validation on its labeled nodes, so that
    features of any kind are read alike well.

    Args:
        features_N_D: of all nodes.
        labels_N: class of each node, -1 for one that has none and does not count.
        train_N: which nodes may be labeled.
        test_N: which nodes are asked.
        per_class: labeled nodes of each class; all where a class has fewer.
        seeds: of the draws, which are the same whatever the features.

    Returns:
        An `Evaluation` whose per_item f32[nodes] is the share of draws in which a node is right, in the order of nodes; low
        and high are from its standard error.

    Raises:
        BadInput: scikit-learn is missing, or a class has too few nodes to choose by.
    """
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV, StratifiedKFold
    except ImportError:
        raise BadInput("probes need scikit-learn: pip install 'selftaught[tables]'") from None
    classes = [np.flatnonzero(train_N & (labels_N == c)) for c in np.unique(labels_N[labels_N >= 0])]
    if per_class < FOLDS or min(map(len, classes)) < FOLDS:
        raise BadInput(f"a node probe needs {FOLDS} labeled nodes of every class: give a larger per_class, or leave out rare classes")
    asked_K = np.flatnonzero(test_N & (labels_N >= 0))
    centered_N_D = features_N_D.astype(np.float64) - features_N_D.mean(0, dtype=np.float64)
    spread_D = centered_N_D.std(0)
    scaled = [
        given / max(float(np.linalg.norm(given, axis=1).mean()), 1e-12) for given in (centered_N_D, centered_N_D / (spread_D + 1e-12))
    ]
    right = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        known_M = np.concatenate([rng.permutation(nodes)[:per_class] for nodes in classes])
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        tried = []
        for given_N_D in scaled:
            search = GridSearchCV(LogisticRegression(max_iter=1000), {"C": list(STRENGTHS)}, cv=folds)
            search.fit(given_N_D[known_M], labels_N[known_M])
            tried.append((search.best_score_, search.predict(given_N_D[asked_K])))
        right.append(max(tried, key=lambda pair: pair[0])[1] == labels_N[asked_K])
    per_item_K = np.mean(right, 0).astype(np.float32)
    value, error = float(per_item_K.mean()), float(per_item_K.std(ddof=1) / np.sqrt(len(per_item_K)))
    return Evaluation(
        name="node-probe-accuracy",
        value=value,
        low=value - Z * error,
        high=value + Z * error,
        n=len(per_item_K),
        unit="node",
        per_item=per_item_K,
    )


@part
@dataclass(frozen=True, kw_only=True)
class NodeProbe(Measure):
    """What a linear probe reads off frozen features of held-out nodes, from a few labels a class; see `node_probe`.

    Its baseline is the same probe on the nodes' own features.
    """

    label: ClassVar[str] = "node probe"
    unit: ClassVar[str] = "node"
    takes: ClassVar[str] = "graph"
    baseline: ClassVar[str] = "raw features"

    async def measure(self, subject: Subject) -> Evaluation:
        return probed(subject, await node_features(subject.model, graph_of(subject).whole(), subject.weights))

    async def measure_baseline(self, subject: Subject) -> Evaluation:
        return probed(subject, graph_of(subject).whole().features)


def graph_of(subject: Subject) -> Any:
    """The one graph among a subject's sources; raises BadInput otherwise."""
    graphs = [source for source in subject.sources if hasattr(source, "inside")]
    if len(graphs) != 1:
        raise BadInput("a node probe needs one graph: give --tasks graph:stdlib")
    return graphs[0]


def probed(subject: Subject, features_N_D: Floats) -> Evaluation:
    """The probe on a subject's graph, labels taken from nodes that are not held out."""
    source = graph_of(subject)
    held_N = source.inside("held-out")
    return node_probe(features_N_D, source.labels(), ~held_N, held_N)
