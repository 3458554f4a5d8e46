"""Files and data sets: loading, splits, and one-line errors."""

import builtins
import json
import sys

import pytest

from selftaught.parts import BadInput
from selftaught.seals import GoldReader
from selftaught.tasks.source import parse_source
from selftaught.types import Message

READER = GoldReader("audit", lambda: None)
ROWS = [{"prompt": f"What is {i} times {j}?", "answer": f"{i} x {j} = {i * j}\n#### {i * j}"} for i in range(20) for j in range(20)]


def write(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def answer_of(task):
    return task.sealed.open(READER)["answer"]


def test_jsonl_with_answers(tmp_path):
    source = parse_source(str(write(tmp_path / "a.jsonl", ROWS)))
    tasks = source.draw("k", 16, "train")
    assert len(tasks) == 16 and all(task.checker == "equal" for task in tasks)
    one, two = (int(word.strip("?")) for word in tasks[0].text.split() if word.strip("?").isdigit())
    assert answer_of(tasks[0]) == str(one * two)
    assert source.check(tasks[0], f"{one * two}.0", {"answer": answer_of(tasks[0])}) == 1
    assert source.check(tasks[0], str(one * two + 1), {"answer": answer_of(tasks[0])}) == 0


def test_splits_of_one_file_are_disjoint_and_cover_it(tmp_path):
    source = parse_source(str(write(tmp_path / "a.jsonl", ROWS + ROWS[:9])))
    parts = {s: {t.text for t in source.draw("k", 999, s)} for s in ("train", "held-out", "development", "audit")}
    assert sum(map(len, parts.values())) == len(set.union(*parts.values())) == len(ROWS)
    assert all(parts.values()) and len(parts["train"]) > len(ROWS) / 2


def test_columns_messages_and_no_answers(tmp_path):
    rows = [{"q": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"Say {i}."}]} for i in range(50)]
    text = f"{write(tmp_path / 'a.jsonl', rows)},prompt=q"
    source = parse_source(text)
    task = source.draw("k", 1, "train")[0]
    assert source.text() == text == task.source
    assert task.messages[0] == Message("system", "Be brief.") and task.sealed is None and task.checker == ""


def test_json_array_and_parquet(tmp_path):
    import pyarrow
    import pyarrow.parquet

    (tmp_path / "a.json").write_text(json.dumps(ROWS, indent=1), encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    write(tmp_path / "a.jsonl", ROWS)
    drawn = [
        [(t.text, answer_of(t)) for t in parse_source(str(tmp_path / name)).draw("k", 9, "train")]
        for name in ("a.json", "a.parquet", "a.jsonl")
    ]
    assert drawn[0] == drawn[1] == drawn[2]


@pytest.mark.parametrize(
    "name, content, options, says",
    [
        ("a.jsonl", '{"prompt": "x"}\n{"prompt": \n', "", "a.jsonl, line 2: not JSON"),
        ("a.jsonl", "[1, 2]\n", "", "line 1: a row must be an object"),
        ("a.jsonl", '{"promt": "x"}\n', "", "no column 'prompt' .did you mean 'promt'"),
        ("a.jsonl", '{"prompt": "x"}\n', ",answer=gold", "no column 'gold'"),
        ("a.jsonl", '{"prompt": 3}\n', "", "line 1, column 'prompt': a prompt must be text"),
        ("a.jsonl", '{"prompt": [{"role": "user"}]}\n', "", "a prompt must be text"),
        ("a.jsonl", '{"prompt": ""}\n', "", "a prompt must be text"),
        ("a.jsonl", "\n\n", "", "no rows in it"),
        ("a.jsonl", '{"prompt": "x"}\n', ",promt=q", "did you mean 'prompt'"),
        ("a.jsonl", '{"prompt": "x"}\n', ",prompt", "prompt=VALUE"),
        ("a.json", '[{"prompt": "x"},\n]', "", "a.json, line 2: not JSON"),
        ("a.parquet", "junk", "", "not a parquet file"),
    ],
)  # fmt: skip
def test_bad_files_are_one_line(tmp_path, name, content, options, says):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=says) as caught:
        parse_source(f"{tmp_path / name}{options}").draw("k", 1, "train")
    assert "\n" not in str(caught.value)


def test_missing_and_binary_files_are_one_line(tmp_path):
    write(tmp_path / "train.jsonl", ROWS)
    with pytest.raises(BadInput, match="no such file .did you mean 'train.jsonl'"):
        parse_source(str(tmp_path / "trian.jsonl")).draw("k", 1, "train")
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="cannot be read"):
        parse_source(str(tmp_path / "b.jsonl")).draw("k", 1, "train")


def test_gsm8k(gsm8k):
    source = parse_source(f"{gsm8k / 'train.jsonl'},prompt=question")
    tasks = source.draw("k", 200, "train")
    assert len({task.id for task in tasks}) == 200
    assert all(source.check(task, answer_of(task), {"answer": answer_of(task)}) == 1 and "####" not in answer_of(task) for task in tasks)


@pytest.mark.filterwarnings("ignore")
def test_dataset_folder(tmp_path):
    datasets = pytest.importorskip("datasets")
    made = datasets.Dataset.from_list(ROWS)
    made.save_to_disk(str(tmp_path / "plain"))
    datasets.DatasetDict({"train": made, "test": made.select(range(40))}).save_to_disk(str(tmp_path / "both"))
    write(tmp_path / "loose" / "train.jsonl", ROWS) if (tmp_path / "loose").mkdir() is None else None
    for folder in ("plain", "both", "loose"):
        source = parse_source(str(tmp_path / folder))
        assert source.name == "hub" and len(source.draw("k", 9, "train")) == 9
    text = f"{tmp_path / 'both'},split=test"
    assert parse_source(text).text() == text and len(parse_source(text).draw("k", 999, "train")) < 40
    with pytest.raises(BadInput, match="no split 'tset' .did you mean 'test'"):
        parse_source(f"{tmp_path / 'both'},split=tset").draw("k", 1, "train")
    with pytest.raises(BadInput, match="no column 'question'"):
        parse_source(f"{tmp_path / 'plain'},prompt=question").draw("k", 1, "train")


@pytest.mark.filterwarnings("ignore")
def test_dataset_that_cannot_be_loaded_is_one_line(tmp_path):
    pytest.importorskip("datasets")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="cannot be loaded") as caught:
        parse_source(str(tmp_path / "empty")).draw("k", 1, "train")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text, module, extra", [("owner/name", "datasets", "datasets"), ("gym:gcd", "reasoning_gym", "gym")])
def test_missing_extras_are_one_line(monkeypatch, text, module, extra):
    real = builtins.__import__

    def refuse(name, *rest, **more):
        if name.split(".")[0] == module:
            raise ImportError(name)
        return real(name, *rest, **more)

    from selftaught.tasks import gym

    gym.settings.cache_clear()
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(BadInput, match=rf"pip install 'selftaught\[{extra}\]'"):
        parse_source(text).draw("k", 1, "train")
