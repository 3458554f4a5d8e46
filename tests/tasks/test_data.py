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


def one(path, rows, options=""):
    """The source over a few rows, and its answers by prompt."""
    source = parse_source(f"{write(path, rows)}{options}")
    return source, {row.prompt: row.gold for row in source.table().rows}


@pytest.mark.parametrize(
    "cell, gold",
    [
        ("42", ("42",)), (42, ("42",)), (0, ("0",)), (42.0, ("42.0",)), (False, ("False", "false")), (None, None), ("", None), ("  ", None),
        (float("nan"), None), ([], None), ([None, ""], None), (["42"], ("42",)), (["42", "42.0", 42], ("42",)), (["a", "b"], ("a", "b")),
        ("We get $\\boxed{\\frac{1}{2}}$, as claimed", ("\\frac{1}{2}",)), ("3+4=7\n#### 7", ("7",)), ("So the answer is 12.", ("12",)),
        ("<answer>x</answer>", ("x",)), ("Nobody could answer the question", ("Nobody could answer the question",)), (".", None),
        ("word " * 60, None), ("word " * 60 + "\\boxed{5}", ("5",)),
    ],
)  # fmt: skip
def test_golds_are_read_by_stated_rules(tmp_path, cell, gold):
    _, golds = one(tmp_path / "a.jsonl", [{"prompt": "x", "answer": cell}])
    assert golds == {"x": gold}


@pytest.mark.parametrize(
    "cell, says",
    [
        ({"value": "42"}, "line 1, column 'answer': the answer is a structure of value.*answer=answer.value"),
        ([1, 2], "2 different answers, 1, 2"), ([{"a": 1}], "a structure of a"), (float("inf"), "no reply can be equal"),
    ],
)  # fmt: skip
def test_golds_without_a_rule_are_refused_by_name(tmp_path, cell, says):
    with pytest.raises(BadInput, match=says) as caught:
        one(tmp_path / "a.jsonl", [{"prompt": "x", "answer": cell}])
    assert "\n" not in str(caught.value)


def test_scalars_of_other_libraries():
    from datetime import date
    from decimal import Decimal

    import numpy as np
    import pyarrow

    from selftaught.tasks.data.golds import read_gold

    cells = [
        np.float32(2.5),
        np.int64(3),
        pyarrow.scalar(4),
        Decimal("1.50"),
        date(2024, 5, 1),
        np.array(["a"]),
        np.float64("nan"),
        np.bool_(True),
    ]
    said = [("2.5",), ("3",), ("4",), ("1.50",), ("2024-05-01",), ("a",), None, ("True", "true")]
    assert [read_gold(cell, "w", "c", "d") for cell in cells] == said


def test_paths_reach_into_structures(tmp_path):
    rows = [
        {"prompt": "x", "reward_model": {"ground_truth": "42", "style": "rule"}, "answers": ["7"], "info": '{"answer": 5}'},
        {"prompt": "y", "reward_model": None, "answers": [], "info": None},
    ]
    for path, gold in (("reward_model.ground_truth", "42"), ("answers.0", "7"), ("info.answer", "5")):
        assert one(tmp_path / "a.jsonl", rows, f",answer={path}")[1] == {"x": (gold,), "y": None}
    with pytest.raises(BadInput, match="nothing at 'gold' of 'reward_model.gold' .fields ground_truth, style"):
        one(tmp_path / "a.jsonl", rows, ",answer=reward_model.gold")


def test_of_several_accepted_answers_any_is_right(tmp_path):
    source, _ = one(tmp_path / "a.jsonl", [{"prompt": f"Who is number {i}?", "answer": ["Ann", f"Bob {i}"]} for i in range(40)])
    task = source.draw("k", 1, "train")[0]
    entry = {"answer": answer_of(task)}
    assert [source.check(task, said, entry) for said in ("Ann", entry["answer"][1], "Eve")] == [1, 1, 0] and not task.numeric


@pytest.mark.parametrize(
    "cell, says",
    [
        ([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}], "a\nb"),
        ([{"from": "human", "value": "a"}], "a"), ([{"role": "user", "content": "a"}, {"role": "tool", "content": "b"}], "a\nb"),
        ([{"role": "user", "content": [{"type": "image"}]}], "line 1, column 'prompt', turn 1 has a part of type 'image'"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": None, "tool_calls": [1]}], "turn 2 calls a tool"),
        ([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "holds the reply.*prompt=prompt,answer=prompt.-1"),
        ([{"role": "user", "content": " "}], "the prompt is empty"), ("\ud800", "half a character"),
    ],
)  # fmt: skip
def test_prompt_shapes(tmp_path, cell, says):
    try:
        source, _ = one(tmp_path / "a.jsonl", [{"prompt": cell, "answer": "1"}])
    except BadInput as error:
        import re

        assert re.search(says, str(error)) and "\n" not in str(error)
    else:
        [row] = source.table().rows
        assert "\n".join(m.content for m in row.prompt) == says and all(m.role in ("user", "tool") for m in row.prompt)


def test_the_reply_of_a_conversation_can_be_its_answer(tmp_path):
    talk = [{"from": "system", "value": "s"}, {"from": "human", "value": "q"}, {"from": "gpt", "value": "So the answer is 9."}]
    _, golds = one(tmp_path / "a.jsonl", [{"conversations": talk}], ",prompt=conversations,answer=conversations.-1")
    assert golds == {(Message("system", "s"), Message("user", "q")): ("9",)}


def test_alpaca_columns(tmp_path):
    rows = [{"instruction": "Translate.", "input": "Hund", "output": "dog"}]
    for options, says in (("", "prompt=instruction.input"), (",prompt=instruction", "prompt=instruction.input")):
        with pytest.raises(BadInput, match=says):
            one(tmp_path / "a.jsonl", rows, options)
    assert one(tmp_path / "a.jsonl", rows, ",prompt=instruction+input,answer=output")[1] == {"Translate.\nHund": ("dog",)}


def test_files_of_other_kinds(tmp_path):
    import gzip

    line = json.dumps({"prompt": "x", "answer": "1"})
    (tmp_path / "bom.jsonl").write_bytes(b"\xef\xbb\xbf" + line.encode())
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(line.encode()))
    (tmp_path / "a.csv").write_text('prompt,answer\n"x",1\n')
    (tmp_path / "b.csv").write_text("prompt;answer\nx;1\n")
    (tmp_path / "a.TSV").write_text("prompt\tanswer\nx\t1\n")
    (tmp_path / "a.json").write_text('{"version": 1,\n "data": [' + line + "]}")
    (tmp_path / "b.json").write_text('{"prompt": ["x"], "answer": ["1"]}')
    (tmp_path / "a.txt").write_text("x\n\n")
    for path in tmp_path.iterdir():
        [row] = parse_source(str(path)).table().rows
        assert (row.prompt, row.gold) == ("x", None if path.suffix == ".txt" else ("1",)), path


def test_files_that_cannot_be_read_are_one_line(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"prompt": ' + "[" * 100_000 + "]" * 100_000 + "}")
    (tmp_path / "u.jsonl").write_text('{"prompt": "x"}', encoding="utf-16")
    (tmp_path / "a.csv").write_text("prompt,answer\nx,1,2\n")
    (tmp_path / "a.yaml").write_text("x")
    (tmp_path / "a.jsonl.gz").write_bytes(b"\x1f\x8b\x08junk")
    for name, says in (
        ("a.jsonl", "line 1: not JSON"), ("u.jsonl", "UTF-16"), ("a.csv", "line 2: more cells"),
        ("a.yaml", "files of this kind are not read"),
        ("a.jsonl.gz", "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=says) as caught:
            parse_source(str(tmp_path / name)).draw("k", 1, "train")
        assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match="no such file or folder"):
        parse_source(str(tmp_path / "none.xlsx"))


def test_rows_that_ask_the_same_are_one_and_what_judges_has_answers(tmp_path):
    rows = [{"prompt": f"Say {i}.", "answer": "" if i % 2 else str(i)} for i in range(200)]
    source, golds = one(tmp_path / "a.jsonl", [*rows, *({"prompt": f"say {i}", "answer": "5"} for i in range(3))])
    table = source.table()
    assert (table.count, len(table.rows), table.without, table.numeric) == (203, 200, 99, True)
    assert golds["say 1"] == ("5",) and table.disagree == "line 1 and line 201"
    assert all(task.checker and task.numeric for task in source.draw("k", 99, "held-out"))
    assert any(not task.checker for task in source.draw("k", 99, "train"))


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

    from selftaught.tasks.gym import source as gym

    gym.settings.cache_clear()
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(BadInput, match=rf"pip install 'selftaught\[{extra}\]'"):
        parse_source(text).draw("k", 1, "train")
