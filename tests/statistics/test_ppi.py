"""Prediction-powered intervals: hand numbers, coverage, and no harm from useless predictions."""

import numpy as np
import pytest

from selftaught.statistics.ppi import powered, ppi_mean, tuned_weight

DRAWS = 2_500


def test_hand_numbers():
    """Worked by hand: cov(labels, predicted) = 2/3, var of all eight predictions = 12/7, L/U = 1."""
    labels_L, predicted_L = np.array([1.0, 0, 1, 0]), np.array([2.0, 0, 2, 0])
    predicted_U = np.array([2.0, 2, 2, 0])
    weight = (2 / 3) / (2 * (np.var([2, 0, 2, 0, 2, 2, 2, 0]) * 8 / 7))
    assert tuned_weight(labels_L, predicted_L, predicted_U) == pytest.approx(weight) and 0 < weight < 0.5
    found = powered(labels_L, predicted_L, predicted_U)
    assert found.value == pytest.approx(0.5 + weight * (1.5 - 1.0))
    rest_L = labels_L - weight * predicted_L
    squared = ((rest_L - rest_L.mean()) ** 2).sum() / 2 / 4 + weight**2 * 1.0 / 4
    assert found.error == pytest.approx(np.sqrt(squared)) and found.df == 2
    value, low, high = ppi_mean(labels_L, predicted_L, predicted_U)
    assert value == found.value and high - value == pytest.approx(4.302653 * found.error) == pytest.approx(value - low)


def test_the_published_estimator_at_large_samples():
    """arXiv:2311.01453, eq. for the mean: weight = cov / ((1 + n/N) var), with population variances as ppi_python has them."""
    rng = np.random.default_rng(3)
    truth = rng.normal(size=5_000)
    predicted = truth + rng.normal(size=5_000)
    y, f, u = truth[:1_000], predicted[:1_000], predicted[1_000:]
    lam = np.mean((y - y.mean()) * (f - f.mean())) / ((1 + 0.25) * np.var(predicted))
    value = lam * u.mean() + (y - lam * f).mean()
    half = 1.959964 * np.sqrt(np.var(lam * u) / 4_000 + np.var(y - lam * f) / 1_000)
    assert ppi_mean(y, f, u) == pytest.approx((value, value - half, value + half), abs=3e-4)


def test_labels_alone_when_nothing_is_predicted():
    labels_L = np.array([1.0, 0, 0, 1, 1])
    plain, half = ppi_mean(labels_L, np.zeros(5), np.zeros(0)), 2.776445 * np.std(labels_L, ddof=1) / 5**0.5
    assert plain == pytest.approx((0.6, 0.6 - half, 0.6 + half))
    assert ppi_mean(labels_L, np.full(5, 0.3), np.full(9, 0.3)) == plain


@pytest.mark.parametrize("skill", [pytest.param(0.0, marks=pytest.mark.slow), 0.5, pytest.param(0.9, marks=pytest.mark.slow)])
@pytest.mark.parametrize("labeled", [20, 60])
def test_coverage_and_width(skill, labeled):
    """Differences in {-1, 0, 1} and a biased judge: 93 to 97% of intervals hold the truth; a good judge shortens them."""
    rng, hits, widths, plain = np.random.default_rng(labeled), 0, [], []
    for _ in range(DRAWS):
        draw_N = rng.random(labeled + 140)
        truth_N = (draw_N < 0.35).astype(float) - (draw_N > 0.75)
        judged_N = 0.7 * np.where(rng.random(len(draw_N)) < skill, truth_N, rng.choice([-0.5, 0, 0.5], len(draw_N))) + 0.2
        _, low, high = ppi_mean(truth_N[:labeled], judged_N[:labeled], judged_N[labeled:])
        _, bottom, top = ppi_mean(truth_N[:labeled], judged_N[:labeled], judged_N[:0])
        hits += low <= 0.1 <= high
        widths.append(high - low)
        plain.append(top - bottom)
    assert 0.93 <= hits / DRAWS <= 0.97
    assert np.mean(widths) < {0.0: 1.02, 0.5: 0.87, 0.9: 0.62 if labeled == 20 else 0.70}[skill] * np.mean(plain)


def test_refuses_what_has_no_interval():
    with pytest.raises(ValueError, match="two labels"):
        ppi_mean(np.ones(1), np.ones(1), np.ones(3))
    with pytest.raises(ValueError, match="one prediction a label"):
        ppi_mean(np.ones(3), np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="finite"):
        ppi_mean(np.array([1.0, np.nan]), np.ones(2), np.ones(3))
