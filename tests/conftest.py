"""Runs of any recipe on the scripted model: a few easy tasks, no gate, no torch."""

import io

import pytest

from scripted_run import live_run, played
from selftaught.cli import main


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk():
    """The power stays on, and a run makes many small files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def nobodys_cache(tmp_path_factory):
    """No fixture reads or fills the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SELFTAUGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """What one test drew no other finds."""
    monkeypatch.setenv("SELFTAUGHT_CACHE", str(tmp_path_factory.mktemp("cache")))


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
    return lambda recipe, **options: played(opened(recipe, **options))


@pytest.fixture
def cli(capsys, monkeypatch, tmp_path):
    """`cli(words..., typed=..)`: (exit code, standard output, standard error) of a command run in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words, typed=None):
        if typed is not None:
            monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return end.value.code or 0, said.out, said.err

    return run


@pytest.fixture
def told(cli):
    """`told(words..., typed=..)`: standard output and error of a command that must go well."""

    def run(*words, typed=None):
        code, out, err = cli(*words, typed=typed)
        assert not code, err
        return out, err

    return run
