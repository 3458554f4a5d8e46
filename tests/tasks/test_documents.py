"""Documents: a folder in pieces, records and the questions about them."""

import pytest

from selftaught.parts import BadInput
from selftaught.tasks.data.folder import cut
from selftaught.tasks.records import Records
from selftaught.tasks.source import parse_source
from selftaught.tasks.splits import split


def test_records_ask_about_what_their_documents_say():
    source = parse_source("records:people=24,seed=3")
    assert source == Records(people=24, seed=3) and parse_source(source.text()) == source
    documents = source.documents()
    assert len(documents) == 3 and documents[0].count(",") == 7 and source.documents() == documents
    pairs = dict(pair.split() for text in documents for pair in text.removeprefix("Who keeps what: ").removesuffix(".").split(", "))
    assert len(pairs) == 24 and len(set(pairs.values())) > 4
    asked = {s: {task.text for task in source.draw("k", 99, s)} for s in ("held-out", "development", "audit")}
    assert sum(map(len, asked.values())) == len(set.union(*asked.values())) == 24
    for task in source.draw("k", 99, "held-out"):
        who = task.text.removeprefix("What does ").removesuffix(" keep?")
        assert source.check(task, pairs[who], {"answer": pairs[who]}) == 1 and task.reads
    assert Records(people=24, seed=4).documents() != documents


def test_only_documents_are_trained_on():
    pool, splits = split(["records:people=24"], seed=1, counts={"held-out": 20, "development": 5})
    import random

    drawn = pool.draw(random.Random(0), 99)
    assert sorted(task.prompt for task in drawn) == sorted(Records(people=24).documents())
    assert all(task.checker == "" and task.sealed is None for task in drawn) and len(splits["held-out"]) >= 6


@pytest.mark.parametrize("text", ["records:people=7", "records:people=25", "records:people=24,each=25", "records:seed=-1", "records:men=3"])
def test_records_that_cannot_be(text):
    with pytest.raises(BadInput):
        parse_source(text)


def test_a_folder_comes_in_pieces_that_lose_nothing(tmp_path):
    (tmp_path / "b.txt").write_text("One two. Three four.\n\nFive six seven eight nine ten.")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.md").write_text("# Title\nWords")
    (tmp_path / "c.txt").write_text("One two. Three four.\n\nFive six seven eight nine ten.")
    source = parse_source(f"docs:{tmp_path},size=24")
    assert source.documents() == ("One two. Three four.", "Five six seven eight", "nine ten.", "# Title\nWords")
    assert parse_source(source.text()) == source and len(source.draw("k", 99, "train")) == 4 and source.draw("k", 9, "held-out") == []
    (tmp_path / "b.txt").write_text("New.")
    assert source.documents()[0] == "New."


def test_pieces_end_at_the_largest_border_that_fits():
    for text, size, pieces in (
        ("aa bb cc", 5, ["aa bb", "cc"]),
        ("a" * 7, 3, ["aaa", "aaa", "a"]),
        ("aaaa. bb cc dd", 9, ["aaaa.", "bb cc dd"]),
        ("", 3, []),
    ):
        assert cut(text, size) == pieces
        assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


def test_a_folder_without_text_is_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.txt").write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "y.txt").write_text("  \n")
    for text, words in (
        (f"docs:{tmp_path}/empty", "no .txt or .md file"),
        (f"docs:{tmp_path}/none.txt", "no .txt or .md file"),
        (f"docs:{tmp_path}/x.txt", "cannot be read"),
        (f"docs:{tmp_path}/y.txt", "there is no text"),
        (f"docs:{tmp_path},size=0", "size=0"),
    ):
        with pytest.raises(BadInput, match=words):
            parse_source(text)
