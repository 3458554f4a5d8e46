"""The fuzz targets hold on their seeds and on some changed ones; by the hour they are run as CONTRIBUTING says."""

import random

import pytest
from answers import SEEDS as ANSWERS
from answers import answers
from fuzzing import at_random, changed
from journal import SEEDS as JOURNALS
from journal import journal
from score_file import SEEDS as SCORES
from score_file import score_file

TARGETS = {"answers": (answers, ANSWERS), "score_file": (score_file, SCORES), "journal": (journal, JOURNALS)}


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_but_a_value_or_what_is_documented(name):
    target, seeds = TARGETS[name]
    rng = random.Random(0)
    for data in (b"", *seeds, *(changed(rng.choice(seeds), rng) for _ in range(150))):
        target(data)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_for_a_minute(name):
    assert at_random(*TARGETS[name], seconds=60) > 100
