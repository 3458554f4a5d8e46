"""What a stranger may plant, and what must never be printed."""

import json
import re
from pathlib import Path

from selftaught.models.scripted import ScriptedModel, solve

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\u2066\x7f\x00\u200b\u2028"
SENT = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff]")
# A name that would begin a line of its own.
FORGED = "x\nselftaught says all is well\r" + EVIL.replace("\x00", "")


def evil(request, rng, skill):
    """The script whose replies steer a terminal."""
    return f"{EVIL} first line\n{solve(request, rng, skill)}"


def plant(monkeypatch, folder):
    """Files with it in prompts, columns, ids, names and answers, and a model that writes it; returns a file's name."""
    monkeypatch.setattr(ScriptedModel.__init__, "__defaults__", (0.5, evil, 0.05))
    rows = [{FORGED: f"Add {i}+{j}. {EVIL}", "answer": str(i + j), "id": f"{i}{FORGED}{j}"} for i in range(9) for j in range(9)]
    name = f"tasks{EVIL[1:].replace(chr(0), '')}.jsonl".replace("/", "")
    Path(folder, "tasks.jsonl").write_text("\n".join(json.dumps(row | {"prompt": row[FORGED]}) for row in rows))
    Path(folder, name).write_text("\n".join(json.dumps(row) for row in rows))
    for side, score in (("a", 1), ("b", 0)):
        made = [{"task": row["id"], "score": score, "prompt": row[FORGED]} for row in rows[: 20 + score]]
        Path(folder, f"{side}{EVIL[2:6]}.jsonl").write_text("\n".join(json.dumps(row) for row in made))
    return name


def clean(result):
    """Every character that was printed is printable, and no name began a line."""
    code, out, err = result
    sent = SENT.findall(out + err)
    assert not sent, (sent, out, err)
    assert not any(line.startswith("selftaught says all is well") for line in err.splitlines())
    return code, out, err
