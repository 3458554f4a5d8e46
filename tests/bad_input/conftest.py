"""One folder a subject, prepared once: a refused command changes nothing in it."""

import sys

import pytest
from refusals import refusal


@pytest.fixture(autouse=True)
def own_cache(prepared, monkeypatch):
    """The one every test has, in the folder that must stay as it is."""
    monkeypatch.setenv("SELFTAUGHT_CACHE", str(prepared / "cache"))


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """No test asks the hub."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    if "huggingface_hub.constants" in sys.modules:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def refused(prepared, monkeypatch, capsys):
    """`refused(words)`: the line with which a command is refused in the folder that `prepared` made."""
    monkeypatch.chdir(prepared)
    return lambda words: refusal(words, monkeypatch, capsys, prepared)
