"""Files that strangers wrote: each fault is one printable line that names the file."""

import pytest

from selftaught.parts import BadInput
from selftaught.scorefiles.scores import read_scores


def said(path):
    with pytest.raises(BadInput) as error:
        read_scores(str(path))
    assert "\n" not in str(error.value) and str(error.value).isprintable() and str(path) in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"task": "\\ud800", "score": 1}', "half a character"),
        ('{"task": "a\\u001b[31m", "score": "x"}', "one finite number"),
        ('{"task": "\\u001b[31m", "score": 1}\n{"task": "\\u001b[31m", "score": 1}', "attempt 0 twice"),
        ('{"task": "a", "score": 1e308}', "overflow"),
        ('{"task": "a", "score": 1e999}', "one finite number"),
        ('{"task": "a", "score": ' + "9" * 400 + "}", "overflow"),
        ('{"task": "a", "score": ' + "9" * 5000 + "}", "thousands of digits"),
        ('{"task": "a", "score": ""}', "one finite number"),
        ("[" * 100_000, "too deep"),
        ('{"spec": {"eval_name": "x"}}', "OpenAI"),
        ('[{"instance_id": "id1", "stats": []}]', "HELM"),
        ('{"config_general": {}, "results": {}}', "lighteval"),
        ('{"results": {"gsm8k": {"acc,none": 1}}, "configs": {}}', "--log_samples"),
        ('{"doc_id": 0, "acc": 1}\n{"task": 0, "score": 1}', "rows of one tool"),
        ('{"doc_id": 0, "filter": "none", "metrics": ["a"], "a": [true, false]}', "not a list"),
        ('{"doc_id": -1, "acc": 1}', "doc_id must be a whole number"),
        ('{"doc_id": 0, "arguments": 3, "filter": ["x"], "acc": 1.0}', ""),
    ],
)
def test_strangers_files_are_one_line(tmp_path, text, told):
    path = tmp_path / "s.jsonl"
    path.write_text(text)
    if told:
        assert told in said(path)
    else:
        read_scores(str(path))


def test_tables_bytes_and_marks(tmp_path):
    (tmp_path / "t.csv").write_text("task,score\na,1\n")
    (tmp_path / "u.jsonl").write_bytes('{"task": "a", "score": 1}'.encode("utf-16"))
    (tmp_path / "folder.jsonl").mkdir()
    assert (
        "a table" in said(tmp_path / "t.csv")
        and "UTF-8" in said(tmp_path / "u.jsonl")
        and "cannot be read" in said(tmp_path / "folder.jsonl")
    )
    (tmp_path / "bom.jsonl").write_text('{"task": "a", "score": 1}\n', encoding="utf-8-sig")
    (tmp_path / "lines.json").write_text('{"task": "a", "score": 1}\n{"task": "b", "score": NaN}\n')
    assert read_scores(str(tmp_path / "bom.jsonl")).means_B == [1] and len(read_scores(str(tmp_path / "lines.json")).tasks_B) == 2
