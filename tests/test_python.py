"""The functions of the package as they are called from Python: any number of times, in any order, from a notebook, with paths."""

import asyncio
import json
from pathlib import Path

import pytest

import selftaught
from selftaught.jobs.job import LARGE, Job
from selftaught.options import texts
from selftaught.parts import BadInput

SMALL = {"model": "scripted", "tasks": "sums:level=2", "steps": 1, "held_out_count": 10, "forecast": False}
OPTIONS = {"plan.tasks": 2, "plan.n": 2}


def run(out, **more):
    return selftaught.improve("ttrl", out=out, options=OPTIONS, **SMALL | more)


def test_functions_stay_functions_in_any_order(tmp_path):
    first = selftaught.evaluate(model="scripted", tasks="sums:level=2", count=10)
    run(tmp_path / "a")
    again = selftaught.evaluate(model="scripted", tasks=["sums:level=2"], count=10)
    assert first["value"] == again["value"] and callable(selftaught.solve) and callable(selftaught.improve)


def test_inside_a_running_loop(tmp_path):
    """What a cell of a notebook is."""

    async def cell():
        result = run(tmp_path / "run")
        value = selftaught.evaluate(model="scripted", tasks="sums:level=2", count=10)["value"]
        return result, value, selftaught.solve("Add 4+5.", model="scripted")["text"]

    inside, value, text = asyncio.run(cell())
    assert inside["verdict"] == run(tmp_path / "outside")["verdict"] and 0 < value < 1 and text


def test_paths_and_text_are_one(tmp_path):
    file = tmp_path / "tasks.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"Add {a}+{b}.", "answer": str(a + b)}) + "\n" for a in range(9) for b in range(9)))
    one, other = (selftaught.evaluate(model="scripted", tasks=tasks, count=10)["value"] for tasks in (file, [str(file)]))
    assert one == other
    assert Job(model=Path("a"), tasks=Path("b"), held_out=["c", Path("d")]) == Job(model="a", tasks=("b",), held_out=("c", "d"))


@pytest.mark.parametrize(
    ("job", "named"),
    [
        ({"tasks": 7}, "tasks=7"),
        ({"tasks": [None]}, "tasks"),
        ({"stop": {1: 2}}, "stop"),
        ({"temperature": float("inf")}, "temperature=inf"),
        ({"temperature": float("nan")}, "temperature"),
        ({"seed": -1}, "seed=-1"),
        ({"evaluation_seed": LARGE}, "evaluation_seed"),
    ],
)
def test_what_cannot_be_meant_is_refused(job, named):
    with pytest.raises(BadInput, match=named):
        Job(**job)


def test_texts():
    assert texts("a", "x") == ("a",) and texts(Path("a"), "x") == ("a",) and texts(("a", Path("b")), "x") == ("a", "b")


def test_types_are_shipped():
    assert (Path(selftaught.__file__).parent / "py.typed").exists()
