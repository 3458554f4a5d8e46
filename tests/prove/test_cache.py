import asyncio
import gzip
import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from scripted_run import SOURCES
from selftaught.models.scripted import ScriptedModel
from selftaught.prove import cache
from selftaught.prove.cache import CachedSampler, cache_folder, count_reuse, held_out_key, ordinal, prune
from selftaught.prove.held_out import HeldOut
from selftaught.prove.sampling import RunSampler
from selftaught.prove.side import measure_side
from selftaught.recipe import get_recipe
from selftaught.run.journal import decode, encode
from selftaught.tasks.splits import split

TTRL = get_recipe("ttrl")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SELFTAUGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "draws"


@pytest.fixture
def splits():
    return split(SOURCES, seed=0, counts={"held-out": 8, "development": 4, "audit": 4})[1]


def measured(run, splits, sampler=CachedSampler, seed=1, label="start", n=4):
    """The side as text, what was read by people, and what the ledger holds; the model is asked `calls` times."""
    run.model.calls.clear()
    held = HeldOut(run)
    side = asyncio.run(
        measure_side(
            sampler(run=run, seed=seed), label, "start", splits["held-out"], splits["development"], run.settings, n, keep=held.keep(label)
        )
    )
    return json.dumps(side.record()), held.sides, dict(run.ledger.rows), run.model.calls.get("sample", 0)


def test_a_hit_is_the_same_side_rows_and_ledger_without_asking_the_model(opened, splits):
    *plain, asked = measured(opened(TTRL), splits, RunSampler)
    *miss, first = measured(opened(TTRL), splits)
    *hit, second = measured(opened(TTRL), splits)
    assert plain == miss == hit and asked == first > 0 == second
    rows = hit[1]["start"][splits["held-out"][0].id]
    assert len(rows) == 4 and set(rows[0]) == {"text", "answer", "right", "logprob", "tokens"}
    assert "".join(piece for piece, _ in rows[0]["tokens"]) == rows[0]["text"] and rows[1]["tokens"] == []
    logprobs = [logprob for _, logprob in rows[0]["tokens"]]
    assert rows[0]["logprob"] == pytest.approx(np.mean(logprobs), abs=1e-3) and rows[0]["right"] in (0, 1)


def test_whatever_decides_an_attempt_makes_another_entry(opened, splits, monkeypatch):
    measured(opened(TTRL), splits)

    def asks(run, **options):
        return measured(run, splits, **options)[3] > 0

    assert not asks(opened(TTRL), label="result")
    assert asks(opened(TTRL), seed=2)
    assert asks(opened(TTRL), n=5)
    assert asks(opened(TTRL, skill=0.6))
    assert asks(opened(TTRL, max_tokens=63))
    assert not asks(opened(TTRL, seed=3))
    learned = opened(TTRL, model=ScriptedModel(0.5))
    learned.model.skill["policy"] = 0.9
    assert not asks(learned)
    monkeypatch.setattr(cache, "code_mark", lambda: "other code")
    assert asks(opened(TTRL))


def test_answers_are_read_and_checked_anew(opened, splits):
    before = measured(opened(TTRL), splits)
    run = opened(TTRL)

    async def nobody(task, texts, purpose="train", gold=False):
        return [0.0] * len(texts)

    run.check = nobody
    side = json.loads(measured(run, splits)[0])
    assert np.sum(side["correct_B_n"]) == 0 < np.sum(json.loads(before[0])["correct_B_n"])
    assert ("gold", "evaluate") in {key[:2] for key in before[2]}


ZIPPED = [gzip.compress(text, mtime=0) for text in (b"{}", b'[["x", [1]]]', b"[[1]]")]


@pytest.mark.parametrize("damage", [b"", b"not gzip", *ZIPPED])
def test_a_damaged_entry_is_drawn_and_written_again(opened, splits, folder, damage):
    good = measured(opened(TTRL), splits)
    entries = {path: path.read_bytes() for path in folder.iterdir()}
    for path in entries:
        path.write_bytes(damage or entries[path][:-9])
    assert measured(opened(TTRL), splits) == good
    assert measured(opened(TTRL), splits)[3] == 0 and not list(folder.glob("*.part"))


def test_a_cache_that_cannot_be_written_changes_nothing(opened, splits, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SELFTAUGHT_CACHE", str(tmp_path / "file"))
    assert measured(opened(TTRL), splits) == measured(opened(TTRL), splits, RunSampler)
    assert count_reuse("a") == count_reuse("a") == 1


def test_the_least_recently_used_entries_go_first(tmp_path):
    for i, name in enumerate("abcd"):
        (tmp_path / name).write_bytes(b"x" * 10)
        os.utime(tmp_path / name, (i, i))
    prune(tmp_path, 25)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c", "d"]


def test_where_the_cache_is(monkeypatch, tmp_path):
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("SELFTAUGHT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert str(cache_folder()) == "/xdg/selftaught"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/a")
    assert str(cache_folder()) == "/home/a/.cache/selftaught"


def test_verdicts_on_a_held_out_set_are_counted(splits):
    key = held_out_key(splits["held-out"])
    assert key == held_out_key(splits["held-out"][::-1]) != held_out_key(splits["held-out"][1:])
    assert [count_reuse(key), count_reuse(key, "run a"), count_reuse(key, "run b")] == [1, 2, 3]
    assert count_reuse(key, "run a") == 2 and count_reuse(key) == 4 and count_reuse("other") == 1
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(lambda _: count_reuse("many"), range(200))) == list(range(1, 201))


def test_ordinals():
    assert [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 14, 21, 102, 111)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "14th", "21st", "102nd", "111th",
    ]  # fmt: skip


def test_what_other_weights_said_is_neither_found_nor_replayed(opened, splits, folder):
    run = opened(TTRL)
    before = measured(run, splits, RunSampler)
    run.model.skill["start"] = 0.0
    after = measured(run, splits, RunSampler)
    assert after[3] > 0 and after[0] != before[0] and np.sum(json.loads(after[0])["correct_B_n"]) == 0
    assert measured(run, splits, RunSampler)[3] == 0
    good = measured(opened(TTRL), splits)
    for path in folder.iterdir():
        schema, drawn_by, rows = decode(gzip.decompress(path.read_bytes()))
        path.write_bytes(gzip.compress(encode([schema, "0" * len(drawn_by), rows])))
    assert measured(opened(TTRL), splits) == good


def test_weights_that_change_while_they_are_measured_are_noticed(opened):
    run = opened(TTRL)
    sampler = RunSampler(run=run)
    sampler.digest("policy")
    sampler.settle()
    run.model.skill["policy"] = 0.9
    with pytest.raises(RuntimeError, match="'policy' changed while they were measured"):
        sampler.settle()
