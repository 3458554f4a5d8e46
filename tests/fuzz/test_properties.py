"""Properties of every reader of strangers' text: a value or what is documented, and the same again where there is a way back."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selftaught.answers.spelling import canonical
from selftaught.format import READINGS, Format
from selftaught.jobs.label_files import read_labels, read_questions
from selftaught.parts import BadInput, parse_options
from selftaught.recipe import get_recipe
from selftaught.run.budget import Budget
from selftaught.run.files import append_line, read_json, write_json
from selftaught.run.journal import Journal, decode, encode
from selftaught.scorefiles.scores import read_scores
from selftaught.tasks.data.files import READERS, File, load
from selftaught.tasks.own import families
from selftaught.tasks.source import parse_source
from selftaught.types import Tokens

many = pytest.mark.parametrize("examples", [25, pytest.param(2000, marks=pytest.mark.slow)])
TEXT = st.text(max_size=40)
CELLS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
KEYS = st.sampled_from(
    ["prompt", "answer", "messages", "role", "content", "task", "attempt", "score", "samples", "id", "epoch", "scores", "value", "doc_id", "doc", "target", "filter", "metrics", "acc", "eval"]
) | st.text(max_size=4)  # fmt: skip
JSON = st.recursive(CELLS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=12)
ROWS = st.lists(st.dictionaries(KEYS, JSON, max_size=5) | JSON, max_size=5)


def hold(examples, check, *strategies):
    """Run a check on so many examples, the same each time."""
    quiet = settings(max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    quiet(given(*strategies)(check))()


def refused(read, *given):
    """What a reader gives; None where it refuses in one line."""
    try:
        return read(*given)
    except BadInput as error:
        assert "\n" not in str(error) and str(error)
        return None


def quietly(read):
    """A check that a reader gives something or refuses in one line."""

    def check(given):
        refused(read, given)

    return check


@many
def test_an_answer_is_text_or_none_and_spelled_once(examples):
    def check(reading, text, numeric):
        found = Format(answer=reading).extract(text, numeric)
        assert found is None or isinstance(found, str)
        spelled = canonical(text)
        assert canonical(spelled) == spelled

    marks = st.sampled_from(
        ["#### ", r"\boxed{", "}", "$", "1,234", "1/2", r"\frac", "%", "**", "(A)", "answer is ", "</think>", "\N{MINUS SIGN}", "0x", "."]
    )
    hold(examples, check, st.sampled_from(READINGS), st.lists(marks | TEXT, max_size=6).map("".join), st.booleans())


@many
@pytest.mark.parametrize("ending", [".jsonl", ".json", ".csv", ".tsv", ".txt"])
def test_a_task_file_is_a_table_or_refused(tmp_path, ending, examples):
    assert ending in READERS
    path, stamp = tmp_path / f"tasks{ending}", iter(range(10**6))

    def check(rows, noise):
        text = {".json": json.dumps(rows)}.get(ending, "\n".join(map(json.dumps, rows)) + noise)
        path.write_bytes(
            text.encode("utf-8", "surrogatepass") if ending != ".csv" else ("prompt,answer\n" + text).encode("utf-8", "replace")
        )
        table = refused(load, str(path), "prompt", "", next(stamp))
        assert table is None or len(table.rows) <= table.count

    hold(examples, check, ROWS, st.sampled_from(["", "\n", "\0", '"', "{"]))


@many
def test_options_of_parts_are_read_back(examples):
    def check(name, options):
        text = f"{name}:{','.join(f'{key}={value}' for key, value in options.items())}"
        source = refused(parse_source, text)
        assert source is None or parse_source(source.text()) == source

    names = st.sampled_from(sorted(families()))
    fields = st.dictionaries(st.sampled_from(["level", "words", "terms", "digits", "items", "x"]), st.integers(-1, 9) | TEXT, max_size=3)
    hold(examples, check, names, fields)
    hold(examples, quietly(parse_options), TEXT)
    path = st.text(st.characters(exclude_characters=",", exclude_categories=["C"]), min_size=1, max_size=9).map(str.strip).filter(bool)

    def back(name, whole):
        source = File(data=f"./{name}.jsonl", whole=whole)
        assert parse_source(source.text()) == source

    hold(examples, back, path, st.booleans())


@many
def test_a_recipe_takes_an_option_or_refuses_it(examples):
    recipe = get_recipe("ttrl")
    options = st.dictionaries(st.sampled_from([*recipe.options(), "explore", "read", "loss"]), CELLS, max_size=2)
    hold(examples, quietly(recipe.with_options), options)


@many
def test_a_template_is_a_format_or_refused(examples):
    def check(template, answer, further):
        format = refused(lambda: Format(template=template, answer=answer, chat_template_kwargs=further))
        assert format is None or (format.around.replace("{prompt}", "x") and (format.extract("answer: 7") or True))

    hold(examples, check, TEXT | TEXT.map("{{prompt}}{}".format), TEXT | st.sampled_from(READINGS), JSON.map(json.dumps) | TEXT)


@many
def test_a_budget_is_read_back(examples):
    def check(text):
        budget = refused(Budget.parse, text)
        assert budget is None or Budget.parse(budget.text()) == budget

    amount = st.tuples(st.integers(0, 10**7), st.sampled_from(["", "k", "M", "s", "m", "h", "calls", "flops", "x", "e3", ".5"])).map(
        lambda p: f"{p[0]}{p[1]}"
    )
    hold(examples, check, TEXT | st.lists(amount, min_size=1, max_size=3).map(",".join))


@many
def test_scores_are_read_back_and_logs_are_scores_or_refused(tmp_path, examples):
    path = tmp_path / "scores.jsonl"

    def back(scores):
        path.write_text("".join(json.dumps({"task": task, "attempt": i, "score": score}) + "\n" for (task, i), score in scores.items()))
        found = read_scores(str(path))
        columns = sorted({i for _, i in scores})
        kept = {(task, i): found.scores_B_n[b, c] for b, task in enumerate(found.tasks_B) for c, i in enumerate(columns)}
        assert all(kept[key] == score for key, score in scores.items()) and np.isfinite(found.scores_B_n).sum() == len(scores)

    finite = st.floats(-1e9, 1e9) | st.integers(0, 1)
    tasks = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
    hold(examples, back, st.dictionaries(st.tuples(tasks, st.integers(0, 3)), finite, min_size=1, max_size=6))
    sample = {"id": 1, "epoch": 1, "input": "1+1", "scores": {"match": {"value": "C"}}}
    doc = {"doc_id": 0, "doc": {}, "target": 1, "arguments": {}, "resps": [], "filter": "none", "metrics": ["acc"], "acc": 1}

    def log(base, changed, ending):
        row = base | changed
        held = {"eval": {}, "status": "success", "samples": [row]} if base is sample else row
        (tmp_path / f"log{ending}").write_text(json.dumps(held) + "\n")
        found = refused(read_scores, str(tmp_path / f"log{ending}"))
        assert found is None or len(found.tasks_B) == len(found.scores_B_n)

    changes = st.dictionaries(st.sampled_from([*sample, *doc]) | KEYS, JSON, max_size=2)
    hold(examples, log, st.sampled_from([sample, doc, {}]), changes, st.sampled_from([".json", ".jsonl"]))


@many
def test_a_journal_gives_back_what_was_logged(tmp_path, examples):
    tokens = st.lists(st.tuples(st.integers(0, 2**31 - 1), st.floats(width=32), st.booleans()), max_size=4).map(
        lambda rows: Tokens(
            ids=np.array([row[0] for row in rows], "<i4"), logprobs=np.array([row[1] for row in rows], "<f4"),
            sampled=np.array([row[2] for row in rows], "?"),
        )
    )  # fmt: skip
    arrays = st.lists(st.floats(), max_size=4).map(np.array)
    replies = st.lists(st.lists(CELLS | tokens | arrays, max_size=3), max_size=3)
    count = iter(range(10**6))

    def check(kept):
        path = tmp_path / f"{next(count)}.bin"
        held = Journal(path)
        held.append("sample", ["a"], kept)
        held.close()
        again = Journal(path)
        assert encode(again.replay("sample", ["a"])) == encode(kept)
        again.close()

    hold(examples, check, replies)
    with pytest.raises(ValueError):
        decode(b'{"@":"","at":0}\n')


@many
def test_a_file_of_a_run_is_read_back_or_refused(tmp_path, examples):
    path = tmp_path / "file.json"

    def back(value):
        write_json(path, value)
        found = read_json(path, "again")
        assert json.dumps(found) == json.dumps({name: each for name, each in value.items() if name != "version"})

    hold(examples, back, st.dictionaries(KEYS, JSON, max_size=4))

    def check(rows):
        for name in ("held_out.jsonl", "labels.jsonl"):
            (tmp_path / name).write_bytes(b"")
            for row in rows:
                append_line(tmp_path / name, row)
        refused(read_questions, tmp_path)
        labels = refused(read_labels, tmp_path / "labels.jsonl")
        assert labels is None or all(label in (0, 1, None) for label in labels.values())

    attempts = st.lists(st.fixed_dictionaries({"answer": CELLS}, optional={"right": CELLS}), max_size=3)
    row = st.fixed_dictionaries(
        {}, optional={"task": JSON, "text": JSON, "answer": JSON, "right": CELLS, "start": attempts | JSON, "result": attempts | JSON}
    )
    hold(examples, check, st.lists(row, max_size=3))
