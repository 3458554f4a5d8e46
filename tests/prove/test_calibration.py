"""A short run of benchmarks/calibration.py, whose numbers are in benchmarks/results/calibration.json."""

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def calibration():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import calibration
    finally:
        sys.path.remove(str(BENCHMARKS))
    return calibration


@pytest.mark.slow
def test_the_gate_says_what_it_means(calibration):
    nil, three, five, better = calibration.table(scale=0.075, draws=500)
    assert (nil["simulations"], three["seeds"], five["seeds"], better["simulations"]) == (300, 3, 5, 90)
    for row in (nil, three, five):
        assert row["improved"] <= 0.045 and row["worse"] <= 0.08
        assert row["covers_stated"] >= 0.91 and row["covers_best"] >= 0.91
        assert row["p_below_5_percent"] <= 0.09
    # An interval that always covers would pass the above, and could show nothing.
    assert min(row["covers_stated"] + row["covers_best"] for row in (nil, three, five)) < 2
    assert better["improved"] >= 0.85 and better["covers_stated"] >= 0.87


def test_simulated_trainings_are_worth_what_they_say(calibration):
    for gain in (0.0, 0.1):
        case = calibration.Case(0.8, False, 0.4, gain)
        wide = (calibration.SPREAD**2 + 0.8**2 + 0.4**2) ** 0.5
        for temperature, shift in calibration.shifts(case):
            before, after = (calibration.population(temperature, *at) for at in ((calibration.SPREAD, 0.0), (wide, shift)))
            assert after - before == pytest.approx(gain, abs=1e-4)


@pytest.mark.slow
def test_a_staged_gate_keeps_its_word_too(calibration):
    least, ten, twenty, most, better = calibration.staged(scale=0.15, draws=500)
    for row in (least, most):
        assert row["improved"] <= 0.045 and row["covers_stated"] >= 0.9 and row["covers_best"] >= 0.9
        assert row["seen"] < row["tasks"]
    assert ten["improved"] < twenty["improved"] > 0.8 and better["improved"] >= 0.8
