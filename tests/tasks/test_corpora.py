"""Folders and invented pages as documents: order, splits, keys, truth and bad input."""

import asyncio
import random
from dataclasses import replace

import pytest

from selftaught.parts import BadInput
from selftaught.recipe import get_recipe
from selftaught.supervise import Gold, OwnKey
from selftaught.tasks.data.corpora import chunks
from selftaught.tasks.pages import Pages, pages_of, town
from selftaught.tasks.source import parse_source
from selftaught.tasks.splits import split
from selftaught.types import Attempt, Group


@pytest.fixture
def folder(tmp_path):
    """Forty files, each with a word nobody else has."""
    for i in range(40):
        word = "".join("abcdefghij"[int(d)] for d in f"{i:04d}")
        text = f"In house {i} by the sea the keeper {word} has lived.\n\nEverybody knows it well."
        (tmp_path / f"{i:02d}.{'md' if i % 2 else 'txt'}").write_text(text)
    (tmp_path / "picture.png").write_bytes(b"\xff")
    return tmp_path


def test_a_folder_is_cut_and_divided_by_what_its_files_say(folder):
    source = parse_source(f"corpus:{folder},words=12")
    train, whole = source.library("train"), source.library("held-out")
    assert len(whole) == 80 and set(train) < set(whole) and source.library("train") == train
    pool, splits = split([source.text()], seed=0, counts={"held-out": 4, "development": 2, "audit": 2})
    assert len(splits["held-out"]) == 4 and all(task.checker == "equal" and task.sealed and not task.key for task in splits["held-out"])
    for task in splits["held-out"]:
        before, after = task.text.removeprefix("Which word is left out: ").split("____")
        assert any(text.startswith(before) and after in text for text in set(whole) - set(train))
    for task in pool.draw(random.Random(0), 8):
        assert task.key and task.text.endswith(task.key) and task.sealed is None and any(task.key in text for text in train)


def test_chunks_end_with_paragraphs_and_lose_nothing():
    text = "a b c\n\nd e\n\nf g h i j k l\n"
    assert list(chunks(text, 5)) == ["a b c d e", "f g h i j", "k l"]
    assert list(chunks("", 5)) == []


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: f"corpus:{path / 'nowhere'}", "no such folder"),
        (lambda path: f"corpus:{path}", "0 text files"),
        (lambda path: (path.joinpath("a.txt").write_bytes(b"\xff\xfe\xfa"), f"corpus:{path}")[1], "a.txt: cannot be read"),
        (lambda path: (path.joinpath("a.txt").write_text("only one"), f"corpus:{path}")[1], "give more files"),
        (lambda path: f"corpus:{path},words=1", "words=1 must be"),
        (lambda path: "pages:people=7", "people=7 must be"),
        (lambda path: "pages:persons=8", "unknown option 'persons'"),
    ],
)
def test_bad_input_is_one_line(tmp_path, make, says):
    with pytest.raises(BadInput, match=says) as refused:
        parse_source(make(tmp_path))
    assert "\n" not in str(refused.value)


def test_truth_follows_the_friend():
    people = {**town(20, 0)[0], **town(20, 0)[1]}
    name = next(iter(people))
    friend, source = people[name]["friend"], Pages(people=20)
    assert source.truth(f"pet of {name}?") == people[name]["pet"] and source.truth(f"home of friend of {name} ?") == people[friend]["home"]
    assert source.truth(f"friend of friend of {name}?") == people[friend]["friend"]
    assert source.truth("pet of Nobody?") is source.truth(f"age of {name}?") is source.truth("hello") is None
    assert pages_of({name: people[name]})[1] == f"{name} friend {friend} pet {people[name]['pet']}."


def test_friends_stay_on_their_side():
    for side in town(40, 2):
        assert {facts["friend"] for facts in side.values()} <= set(side) and not any(
            name == facts["friend"] for name, facts in side.items()
        )
    assert not set(town(40, 2)[0]) & set(town(40, 2)[1])


def test_a_key_a_model_wrote_outlives_a_resume_and_is_no_gold(opened):
    """Put into the pool, saved, restored: it grades as before, by its author, and nothing is opened."""
    run = opened(get_recipe("search-self-play"))
    [drawn] = run.pool.draw(run.rng("x"), 1)
    task = replace(drawn, id="q", prompt="pet of Badok?", key="moling", checker="own", origin="model", lineage=("a",))
    assert run.pool.add([task]) == 1
    saved, again = run.pool.snapshot(), opened(get_recipe("search-self-play"))
    again.pool.restore(saved)
    [kept] = again.pool.draw(again.rng("y"), 1, "model")
    assert kept == task
    attempts = tuple(Attempt(id=text, task="q", payload=None, text=f"#### {text}") for text in ("moling", "soling"))
    for reader in (OwnKey(), Gold()):
        group = asyncio.run(reader.read_group(again, Group(key="q", task=kept, attempts_G=attempts)))
        assert group.values().tolist() == [1, 0] and {score.source for score in group.scores} == {"self"}
    assert not any(again.ledger.summary()["gold_read"].values())
    plain = Group(key="t", task=drawn, attempts_G=attempts)
    assert asyncio.run(OwnKey().read_group(again, plain)) is plain and OwnKey().scores(drawn)
