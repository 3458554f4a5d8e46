"""Task files of every damaged kind, and columns and answers that are none."""

import gzip
import io
import json

import pytest
from refusals import cases, names

IMPROVE = "improve ttrl --model scripted --steps 1 --no-forecast --tasks"
ROW = {"prompt": "Add 2+3.", "answer": "5"}
GOOD = [{"prompt": f"Add {a}+{b}.", "answer": str(a + b)} for a in range(9) for b in range(9)]


def jsonl(rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def table(rows, kind):
    """A parquet or csv file."""
    import pyarrow
    import pyarrow.parquet

    if kind == "csv":
        return ("prompt,answer\n" + "".join(f"{row['prompt']},{row['answer']}\n" for row in rows)).encode()
    held = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), held)
    return held.getvalue()


def with_answer(answer):
    return jsonl([*GOOD[:40], ROW | {"answer": answer}])


def with_prompt(prompt):
    return jsonl([*GOOD[:40], ROW | {"prompt": prompt}])


def with_nested(opening, closing, depth=800):
    """An answer that JSON can hold and no reader should follow."""
    return jsonl(GOOD[:40]) + f'{{"prompt": "x", "answer": {opening * depth}1{closing * depth}}}\n'.encode()


def files():
    """{name: bytes}."""
    whole, parquet, csv = jsonl(GOOD), table(GOOD, "parquet"), table(GOOD, "csv")
    deep = "[" * 100_000 + "]" * 100_000
    return {
        # not what they are called
        "utf16.jsonl": whole.decode().encode("utf-16"), "utf16le.jsonl": whole.decode().encode("utf-16-le"),
        "utf16be.jsonl": whole.decode().encode("utf-16-be"),
        "utf32.jsonl": whole.decode().encode("utf-32"), "latin.jsonl": '{"prompt": "é?", "answer": "1"}\n'.encode("latin-1"),
        "packed.jsonl": gzip.compress(whole), "parquet.jsonl": parquet, "zip.jsonl": b"PK\x03\x04" + bytes(60), "plain.jsonl.gz": whole,
        "cut.jsonl.gz": gzip.compress(whole)[:60], "flipped.jsonl.gz": gzip.compress(whole)[:40] + b"\xff" * 20, "json.parquet": whole,
        "csv.json": csv, "png.jsonl": b"\x89PNG\r\n\x1a\n" + bytes(99),
        "csv.jsonl": csv, "utf16.csv": csv.decode().encode("utf-16"), "utf16.txt": "What is 1+1?\n".encode("utf-16"),
        "latin.csv": b"prompt,answer\n\xe9?,1\n", "latin.txt": b"\xe9\n", "zeros.jsonl": bytes(400),
        "pickle.pkl": b"\x80\x04K\x01.", "words.doc": b"words", "noend": whole,
        # cut off and empty
        "empty.jsonl": b"", "empty.json": b"", "empty.csv": b"", "empty.tsv": b"", "empty.parquet": b"", "empty.txt": b"",
        "empty.jsonl.gz": gzip.compress(b""), "blank.jsonl": b"\n \n\n", "mark.jsonl": b"\xef\xbb\xbf",
        "header.csv": b"prompt,answer\n", "none.json": b"[]", "object.json": b"{}", "null.json": b"null", "number.json": b"3",
        "text.json": b'"x"',
        "cut.jsonl": whole[:-9], "cut.json": json.dumps(GOOD).encode()[:-7], "cut.parquet": parquet[: len(parquet) // 2],
        "tail.parquet": parquet[:-5], "head.parquet": b"PAR1" + parquet[40:],
        "rowless.parquet": table([], "parquet"),
        # not JSON, or too much of it
        "deep.jsonl": b'{"prompt":' + deep.encode() + b"}\n", "deep.json": deep.encode(),
        "digits.jsonl": b'{"prompt": "x", "answer": ' + b"9" * 6000 + b"}\n",
        "nul.jsonl": b'{"prompt": "a\0b", "answer": "1"}\n', "comment.jsonl": b"// tasks\n" + whole, "single.jsonl": b"{'prompt': 'x'}\n",
        "comma.json": b'[{"prompt": "x"},]', "many.json": b'{"a": [{"prompt": "x"}], "b": [{"prompt": "y"}]}',
        "list.jsonl": b'["x", "1"]\n', "number.jsonl": b"3\n", "null.jsonl": b"null\n", "string.jsonl": b'"x"\n',
        "half.jsonl": whole + b'{"prompt": ', "surrogates.jsonl": b'{"prompt":"a\\ud800b","answer":"1"}\n' * 20,
        "half-answer.jsonl": b'{"prompt":"x","answer":"\\udc00"}\n', "half-name.jsonl": b'{"\\ud800":"x"}\n',
        # columns
        "other.jsonl": jsonl([{"question": "x", "answer": "1"}]), "typo.jsonl": jsonl([{"promt": "x"}]), "nothing.jsonl": b"{}\n",
        "later.jsonl": jsonl([*GOOD[:9], {"answer": "1"}]), "ragged.csv": b"prompt,answer\nx,1\ny,2,3\n",
        "short.csv": b"prompt,answer\nx,1\ny\n,2\n", "quote.csv": b'prompt,answer\n"x,1\ny,2\n', "nul.csv": b"prompt,answer\nx\0,1\n",
        "twice.csv": b"prompt,prompt\nx,1\n", "unnamed.csv": b",answer\nx,1\n", "nohead.csv": b"Add 1+1.,2\nAdd 1+2.,3\n",
        "other.tsv": b"question\tanswer\nx\t1\n",
        "good.jsonl": whole, "good.csv": csv,
        # prompts
        "blank-prompt.jsonl": with_prompt("  "), "empty-prompt.jsonl": with_prompt(""), "number-prompt.jsonl": with_prompt(3),
        "null-prompt.jsonl": with_prompt(None), "bool-prompt.jsonl": with_prompt(True), "object-prompt.jsonl": with_prompt({"text": "x"}),
        "no-turns.jsonl": with_prompt([]), "turns.jsonl": with_prompt(["x"]), "no-content.jsonl": with_prompt([{"role": "user"}]),
        "no-role.jsonl": with_prompt([{"content": "x"}]), "empty-turn.jsonl": with_prompt([{"role": "user", "content": ""}]),
        "odd-role.jsonl": with_prompt([{"role": 3, "content": "x"}]),
        "assistant.jsonl": with_prompt([{"role": "assistant", "content": "x"}]),
        "number-turn.jsonl": with_prompt([{"role": "user", "content": 3}]),
        "picture.jsonl": with_prompt([{"role": "user", "content": [{"type": "image_url"}]}]),
        "same.jsonl": jsonl([ROW] * 100), "one.jsonl": jsonl([ROW]), "two.jsonl": jsonl(GOOD[:2]),
        # answers
        "object-answer.jsonl": with_answer({"value": "5"}), "nested-answer.jsonl": with_nested("[", "]"),
        "objects-answer.jsonl": with_answer([{"a": 1}]), "inf-answer.jsonl": with_answer(float("inf")),
        "mixed-answer.jsonl": with_answer([1, {"a": 2}]),
        "deep-answer.jsonl": b'{"prompt":"x","answer":' + deep.encode() + b"}\n",
    }  # fmt: skip


OPTIONS = {
    "good.jsonl,prompt=question": "question", "good.jsonl,answer=gold": "gold", "good.jsonl,promt=prompt": "prompt",
    "good.jsonl,prompt": "prompt", "good.jsonl,prompt=": "prompt", "good.jsonl,prompt=prompt.text": "prompt",
    "good.jsonl,answer=answer.value": "answer", "good.jsonl,prompt=prompt+nope": "nope", "good.jsonl,whole=maybe": "whole",
    "good.jsonl,prompt=prompt,prompt=answer": "twice", "good.jsonl,split=train": "split", "good.csv,prompt=q": "'q'",
    "nowhere.jsonl": "nowhere.jsonl",
    "god.jsonl": "good.jsonl", "folder.jsonl": "folder.jsonl", "nowhere/good.jsonl": "no such folder", "'nul\0.jsonl'": "nul",
    f"{'x' * 300}.jsonl": "xxx", "dangling.jsonl": "dangling.jsonl", "loop.jsonl": "loop.jsonl",
}  # fmt: skip
FINE = {"good.jsonl", "good.csv", "noend"}
TABLE = {
    IMPROVE: {name: name for name in files() if name not in FINE} | OPTIONS,
    "evaluate --model scripted --tasks": {"cut.jsonl": "cut.jsonl", "same.jsonl": "same.jsonl"},
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder of damaged files."""
    place = tmp_path_factory.mktemp("tasks")
    for name, data in files().items():
        (place / name).write_bytes(data)
    (place / "folder.jsonl").mkdir()
    (place / "dangling.jsonl").symlink_to(place / "gone")
    (place / "loop.jsonl").symlink_to(place / "loop.jsonl")
    return place


@pytest.mark.parametrize(("words", "named"), cases(TABLE))
def test_a_damaged_task_file_is_refused(refused, words, named):
    line = refused(words)
    assert names(line, named), line
