"""Runs of any recipe on the scripted model: a few easy tasks, no gate, no torch."""

import asyncio

import pytest

from scripted_run import live_run
from selftaught.cli import main
from selftaught.loop import improve


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test reads or fills the user's cache."""
    monkeypatch.setenv("SELFTAUGHT_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """The power stays on, and a run makes many small files."""
    monkeypatch.setattr("os.fsync", lambda descriptor: None)


@pytest.fixture
def opened(tmp_path):
    """`opened(recipe, seed=.., budget=..)`: a run before its first step, in a folder of its own; closed after the test."""
    runs = []

    def make(recipe, **options):
        runs.append(live_run(recipe, tmp_path / f"run-{len(runs)}", **options))
        return runs[-1]

    yield make
    for run in runs:
        run.folder.journal.close()


@pytest.fixture
def play(opened):
    """`play(recipe, seed=.., budget=..)`: a run after all its steps."""

    async def whole(run):
        await run.save()
        await improve(run.recipe, run)
        return run

    return lambda recipe, **options: asyncio.run(whole(opened(recipe, **options)))


@pytest.fixture
def cli(capsys, monkeypatch, tmp_path):
    """`cli(words...)`: (exit code, standard output, standard error) of a command run in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return end.value.code or 0, said.out, said.err

    return run
