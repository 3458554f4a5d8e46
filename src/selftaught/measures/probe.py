"""Probes: what a linear map or a small MLP can read off frozen features, and whether the features have collapsed."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from selftaught.parts import BadInput, part
from selftaught.payloads.rows import Rows
from selftaught.protocols import Model, Subject
from selftaught.stages import Measure
from selftaught.statistics.evaluated import evaluated
from selftaught.types import Evaluation, Floats, ScoreRequest

Labels = NDArray[Any]
Z = 1.959964
FITS = (0, 1, 2)
ROWS = "a table's rows are measured one table at a time: give --tasks table:wine"


async def features_of(model: Model, values_B_F: Floats, weights: str = "ema") -> Floats:
    """f32[B,D]: a model's features of whole rows, outside any run and its budget."""
    [reply] = await model.score([ScoreRequest(key="probe", payload=Rows.whole(values_B_F), outputs=("features",), weights=weights)])
    return reply["features"]


def feature_variance(features_B_D: Floats) -> float:
    """Mean over dimensions of the variance over rows; near 0 when every row has the same features."""
    return float(features_B_D.astype(np.float64).var(0).mean())


def uniformity(features_B_D: Floats) -> float:
    """Log mean exp(-2 |x - y|^2) over pairs of rows scaled to length 1 (arXiv:2005.10242): 0 when all are equal, else lower."""
    unit_B_D = features_B_D / np.maximum(np.linalg.norm(features_B_D, axis=1, keepdims=True), 1e-12)
    squares_B_B = 2 - 2 * np.clip(unit_B_D @ unit_B_D.T, -1, 1)
    return float(np.log(np.exp(-2 * squares_B_B[np.triu_indices(len(unit_B_D), 1)]).mean()))


def probe(
    train: tuple[Floats, Labels], test: tuple[Floats, Labels], kind: Literal["linear", "mlp"] = "linear", seeds: Sequence[int] = (0,),
    regression: bool = False,
) -> Evaluation:  # fmt: skip
    """Fit a probe on frozen features and measure it on other rows.

    Features are standardized by the training rows. The linear probe is a logistic (or ridge) regression, the MLP has
    one hidden layer of 64; neither is tuned, so that what is compared is the features.

    Args:
        train: (features f32[B,D], labels [B]).
        test: the same of other rows.
        kind: "linear" or "mlp".
        seeds: of the probe; the mean over them counts.
        regression: labels are numbers: the value is R^2, else accuracy.

    Returns:
        An `Evaluation` whose per_item is what a row contributes to the mean: whether it is right, or
        1 - squared error / variance; low and high from its standard error.
    """
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.neural_network import MLPClassifier, MLPRegressor
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ImportError:
        raise BadInput("probes need scikit-learn: pip install 'selftaught[tables]'") from None
    (features_B_D, labels_B), (others_B_D, answers_B) = train, test
    mean, spread = (float(labels_B.mean()), float(labels_B.std())) if regression else (0.0, 1.0)
    items = []
    for seed in seeds:
        mlp = {"hidden_layer_sizes": (64,), "alpha": 1e-3, "max_iter": 200, "random_state": seed}
        plain = Ridge() if regression else LogisticRegression(max_iter=1000)
        model = make_pipeline(StandardScaler(), plain if kind == "linear" else (MLPRegressor if regression else MLPClassifier)(**mlp))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(features_B_D, (labels_B - mean) / spread if regression else labels_B)
        guesses_B = model.predict(others_B_D)
        if regression:
            items.append(1 - (guesses_B * spread + mean - answers_B) ** 2 / max(float(answers_B.var()), 1e-12))
        else:
            items.append((guesses_B == answers_B).astype(np.float64))
    per_item_B = np.mean(items, 0)
    value, error = float(per_item_B.mean()), float(per_item_B.std(ddof=1) / np.sqrt(len(per_item_B)))
    name = f"{kind}-probe-{'r2' if regression else 'accuracy'}"
    return Evaluation(
        name=name, value=value, low=value - Z * error, high=value + Z * error, n=len(per_item_B), unit="row",
        per_item=per_item_B.astype(np.float32),
    )  # fmt: skip


async def seen(subject: Subject, values_B_F: Floats) -> Floats:
    """f32[B,D]: a side's features, those of the averaged weights once a method has learned."""
    return await features_of(subject.model, values_B_F, "ema" if subject.weights == "policy" else subject.weights)


def table_of(subject: Subject) -> Any:
    """The one table among a subject's sources; raises BadInput otherwise."""
    tables = [source for source in subject.sources if hasattr(source, "rows")]
    if len(tables) != 1:
        raise BadInput(ROWS)
    return tables[0]


@part
@dataclass(frozen=True, kw_only=True)
class Probe(Measure):
    """What a probe reads off frozen features of held-out rows, fitted on training rows; the mean of 3 fits.

    Features are those of the averaged weights ("ema") once a method has learned. Its baseline is the same probe on the rows
    as they are. A row's value is whether it is right, or where labels are numbers 1 - squared error / variance.

    Attributes:
        fit: "linear" or "mlp", see `probe`.
    """

    label: ClassVar[str] = "probe"
    unit: ClassVar[str] = "row"
    takes: ClassVar[str] = "rows"
    baseline: ClassVar[str] = "raw rows"
    fit: Literal["linear", "mlp"] = "mlp"

    async def measure(self, subject: Subject) -> Evaluation:
        train, test = (table_of(subject).rows(split) for split in ("train", "held-out"))
        train, test = [(await seen(subject, values), labels) for values, labels in (train, test)]
        return probe(train, test, self.fit, FITS, table_of(subject).regression)

    async def measure_baseline(self, subject: Subject) -> Evaluation:
        table = table_of(subject)
        return probe(table.rows("train"), table.rows("held-out"), self.fit, FITS, table.regression)


@part
@dataclass(frozen=True, kw_only=True)
class FeatureVariance(Measure):
    """Natural logarithm of how much features vary from held-out row to row (mean over dimensions); one number a run."""

    label: ClassVar[str] = "log variance"
    unit: ClassVar[str] = "seed"
    share: ClassVar[bool] = False
    takes: ClassVar[str] = "rows"

    async def measure(self, subject: Subject) -> Evaluation:
        values, _ = table_of(subject).rows("held-out")
        variance = feature_variance(await seen(subject, values))
        return evaluated(self.name, np.array([np.log(max(variance, 1e-300))]), self.unit, subject.seed)
