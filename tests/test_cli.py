"""The command line on the scripted model: what it prints, where, with which exit code."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from selftaught import sandbox
from selftaught.api import improve
from selftaught.recipe import recipe_names
from selftaught.run.files import SCHEMA

SMALL = ["--model", "scripted", "--tasks", "sums:level=3", "--held-out-count", "12", "--plan.tasks", "4", "--plan.n", "4"]
SEVEN = {"metric", "before", "after", "gain", "low", "high", "p"}
KINDS = {"prompted", "sampled", "scored", "trained", "evaluated"}
WITHOUT_CHILD = {**os.environ, "OMP_NUM_THREADS": "1"}


def last_json(out):
    """The last line of standard output, parsed."""
    return json.loads(out.splitlines()[-1])


def refused(result):
    """The one line of a refusal."""
    code, out, err = result
    assert code == 2 and not out and err.startswith("selftaught: ") and len(err.splitlines()) == 1, (code, out, err)
    return err


def whole(result):
    """Whether an improve result has every key that scripts read, and its numbers are fractions."""
    assert {"verdict", "kind", "best", "baselines", "pass_at", "tokens", "gold_read", "sources", "seconds", "alarms", "run", *SEVEN} <= set(
        result
    )
    assert set(result["best"]) >= SEVEN
    assert set(result["baselines"]) == {"greedy", "best_temperature", "vote_k", "best_of_k"}
    assert set(result["pass_at"]) == {"1", "4", "16"} and all(set(both) == {"before", "after"} for both in result["pass_at"].values())
    assert set(result["tokens"]) == KINDS and all(isinstance(n, int) for n in result["tokens"].values())
    assert set(result["gold_read"]) == {"train", "select", "audit", "evaluate"}
    assert set(result["sources"]) == {"self", "peer", "rule", "gold", "teacher", "human"}
    assert all({"name", "step", "message"} <= set(alarm) for alarm in result["alarms"])
    return True


def test_improve_prints_one_json_object_last(cli, tmp_path):
    code, out, err = cli("improve", "ttrl", *SMALL, "--steps", 2, "--out", "run", "--json")
    result = last_json(out)
    assert code == 0 and whole(result)
    assert result["verdict"].startswith(("improved", "worse", "no change", "can't tell"))
    numbers = [result[key] for key in SEVEN - {"metric"}] + [result["best"][key] for key in SEVEN - {"metric"}]
    assert all(isinstance(n, float) and -1 <= n <= 1 for n in [*numbers, *result["baselines"].values()])
    assert result["low"] <= result["gain"] <= result["high"]
    assert result["after"] - result["before"] == pytest.approx(result["gain"])
    assert result["gold_read"]["train"] == result["gold_read"]["select"] == 0 < result["gold_read"]["evaluate"]
    assert result["sources"]["self"] == 1 and result["tokens"]["trained"] > 0 and result["steps"] == 2
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == {"version": SCHEMA, **result}
    assert "step 2/2" in err and "{" not in err


def test_improve_for_people_prints_the_verdict_and_the_answers_read(cli):
    code, out, _ = cli("improve", "ttrl", *SMALL, "--steps", 1, "--out", "run")
    assert code == 0 and "answers read: 0 to train, 0 to select" in out and "start, greedy" in out and "report: run/report.html" in out
    assert "gold" not in out


def test_no_gate_is_not_tested(cli):
    code, out, _ = cli("improve", "ttrl", *SMALL, "--steps", 1, "--no-gate", "--no-forecast", "--json")
    result = last_json(out)
    assert code == 0 and whole(result) and result["verdict"] == "not tested"
    assert result["before"] is result["gain"] is None and result["gold_read"]["evaluate"] == 0 and "evaluate" not in evaluated(result)
    code, out, _ = cli("improve", "ttrl", *SMALL, "--steps", 1, "--no-forecast", "--json")
    assert "evaluate" in evaluated(last_json(out))


def evaluated(result):
    """Stages that spent evaluated tokens; those of the monitors are the audit's."""
    return {stage for stage, tokens in result["stages"].items() if tokens["evaluated"]}


def test_default_recipe_and_folder(cli, tmp_path):
    code, out, _ = cli("improve", *SMALL, "--keep.tasks", 4, "--steps", 1, "--json")
    result = last_json(out)
    assert code == 0 and result["recipe"] == "selftaught" and (tmp_path / result["run"] / "run.json").exists()


def test_budget_is_kept(cli):
    _, out, _ = cli("improve", "ttrl", *SMALL, "--steps", 50, "--budget", 4000, "--no-gate", "--json")
    result = last_json(out)
    assert 2000 < sum(result["tokens"][kind] for kind in KINDS - {"evaluated"}) <= 4000 and result["steps"] < 50


@pytest.mark.slow
def test_same_seed_same_numbers(cli):
    runs = [
        last_json(cli("improve", "ttrl", *SMALL, "--steps", 1, "--seed", seed, "--out", f"run-{i}", "--json")[1])
        for i, seed in enumerate((3, 3, 4))
    ]
    one, two, other = ({key: run[key] for key in ("before", "after", "tokens", "best")} for run in runs)
    assert one == two != other
    assert one["before"] == other["before"]


def test_dry_run_starts_nothing(cli, tmp_path):
    code, out, _ = cli("improve", "ttrl", *SMALL, "--steps", 5, "--dry-run", "--json")
    planned = last_json(out)
    assert code == 0 and planned["recipe"]["name"] == "ttrl" and planned["recipe"]["phases"][0]["steps"] == 5
    assert 0 < planned["tokens"]["expected"] <= planned["tokens"]["worst"] and {"minutes", "memory_mb"} <= set(planned)
    assert not list(tmp_path.iterdir())
    code, out, _ = cli("improve", "ttrl", *SMALL, "--steps", 5, "--dry-run")
    assert code == 0 and out.startswith("time: about") and len(out.strip().splitlines()) == 2, "two lines, and no recipe"


def test_files_are_tasks(cli, tmp_path):
    rows = [{"prompt": f"Add {i}+{j}.", "answer": f"so #### {i + j}"} for i in range(2, 12) for j in range(2, 12)]
    (tmp_path / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    small = [word if word != "sums:level=3" else "all.jsonl" for word in SMALL]
    code, out, _ = cli("improve", "ttrl", *small, "--steps", 1, "--json")
    result = last_json(out)
    assert code == 0 and result["tasks"] >= 10 and 0 < result["before"] < 1 and result["gold_read"]["train"] == 0


def test_without_answers_the_verdict_is_not_tested_and_says_how_many_labels_would_do(cli, tmp_path):
    rows = [{"question": f"Add {i}+{i + 3}."} for i in range(40)]
    (tmp_path / "open.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    small = [word if word != "sums:level=3" else "open.jsonl,prompt=question" for word in SMALL]
    code, out, err = cli("improve", "ttrl", *small, "--steps", 1, "--json")
    result = last_json(out)
    assert code == 0 and result["verdict"] == "not tested" and "label" in result["sentence"] and "labels" in result
    assert "no held-out task can be graded" in err
    assert cli("improve", "ttrl", *small, "--steps", 1, "--require-gain")[0] == 3
    assert cli("improve", "ttrl", *small, "--steps", 1, "--no-gate")[0] == 0
    code, out, _ = cli("improve", "ttrl", *small, "--steps", 1, "--held-out", "sums:level=3", "--json")
    assert code == 0 and last_json(out)["verdict"] != "not tested"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["imprve"], "'improve'"),
        (["improve", "ttlr", *SMALL], "'ttrl'"),
        (["improve", "b-star/golf", *SMALL], "'gold'"),
        (["improve", "ttrl", "star", *SMALL], "'star'"),
        (["improve", "ttrl", *SMALL, "--stepps", "3"], "'steps'"),
        (["improve", "ttrl", *SMALL, "--plan.nn", "3"], "'plan.n'"),
        (["improve", "ttrl", *SMALL, "--explore", "smaple"], "'sample'"),
        (["improve", "ttrl", *SMALL, "--plan.n", "many"], "plan.n"),
        (["improve", "ttrl", *SMALL, "--plan.n", "0"], "at least 1"),
        (["improve", "ttrl", *SMALL, "--plan.n"], "value"),
        (["improve", "ttrl", *SMALL, "--resumee"], "'resume'"),
        (["improve", "ttrl", *SMALL, "--steps", "x"], "--steps"),
        (["improve", "ttrl", *SMALL, "--budget", "-5"], "budget '-5'"),
        (["improve", "ttrl", *SMALL, "--temperature", "-1"], "temperature"),
        (["improve", "ttrl", *SMALL, "--max-tokens", "-1"], "max_tokens"),
        (["improve", "ttrl", *SMALL, "--without", "reflekt"], "'reflect'"),
        (["improve", "--resume", "--out", "nowhere"], "--resume"),
        (["improve", "ttrl", *SMALL, "--resume"], "--out"),
        (["improve", "ttrl", "--model", "scripted", "--tasks", "summs"], "'sums'"),
        (["improve", "ttrl", "--model", "scripted", "--tasks", "sums:levl=3"], "'level'"),
        (["improve", "ttrl", "--model", "scripted", "--tasks", "none.jsonl"], "none.jsonl"),
        (["improve", "ttrl", "--model", "./no-such-model", "--tasks", "sums:level=3"], "no-such-model"),
        (["evaluate", "--modle", "scripted"], "model"),
        (["list", "recepies"], "'recipes'"),
        (["show", "vot"], "'vote'"),
        (["solve"], "question"),
        (["chat", "nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_one_line_with_the_remedy(cli, words, hint):
    assert hint.lower() in refused(cli(*words)).lower()


def test_a_run_is_never_overwritten(cli):
    assert cli("improve", "ttrl", *SMALL, "--steps", 1, "--no-gate", "--out", "run")[0] == 0
    assert "--resume" in refused(cli("improve", "ttrl", *SMALL, "--steps", 1, "--no-gate", "--out", "run"))


def test_list(cli):
    code, out, _ = cli("list", "recipes", "--json")
    rows = last_json(out)["recipes"]
    assert code == 0 and [row["name"] for row in rows] == list(recipe_names())
    keys = {"name", "presets", "paper", "pillars", "signal", "changes", "trains", "claim"}
    assert all(keys <= set(row) and set(row["claim"]) == {"status", "model"} for row in rows)
    assert {row["changes"] for row in rows} <= {"weights", "adapter", "prefix", "prompt", "memory", "program", "nothing"}
    for what in ("parts", "tasks"):
        code, out, _ = cli("list", what, "--json")
        assert code == 0 and all(row["name"] and row["about"] for row in last_json(out)[what])
        code, out, _ = cli("list", what)
        assert code == 0 and len(out.splitlines()) > 8


@pytest.mark.parametrize(("name", "says"), [("ttrl", "2504.16084"), ("b-star/gold", "--plan.n"), ("vote", "min_share"), ("sums", "Levels")])
def test_show(cli, name, says):
    code, out, err = cli("show", name)
    assert code == 0 and says in out and not err


def test_solve_and_evaluate(cli):
    code, out, _ = cli("solve", "Add 4+5.", "--model", "scripted", "--with", "self-consistency", "--json")
    reply = last_json(out)
    assert code == 0 and reply["answer"].isdigit() and f"#### {reply['answer']}" in reply["text"] and reply["gold_read"]["train"] == 0
    code, out, _ = cli("evaluate", "--model", "scripted", "--tasks", "sums:level=3", "--count", 12, "--json")
    result = last_json(out)
    assert code == 0 and 0 < result["value"] < 1 and set(result["pass_at"]) == {"1", "4", "16"} and result["tasks"] == 12


def test_chat_answers_before_and_after(cli):
    cli("improve", "ttrl", *SMALL, "--steps", 1, "--no-gate", "--out", "run")
    code, out, _ = cli("chat", "run", typed="Add 4+5.\n\n")
    assert code == 0 and "before:" in out and "after:" in out


def test_doctor_examines_this_machine(cli):
    code, out, _ = cli("doctor")
    assert code in (0, 1) and "torch" in out and "python" in out and all(line[:3] in ("ok ", "NO ") for line in out.splitlines())
    (walls,) = [line for line in out.splitlines() if " sandbox: " in line]
    assert sandbox.KINDS[sandbox.found()[0]] in walls


def test_help_of_every_command(cli):
    assert cli()[0] == 2
    for word in ("improve", "evaluate", "solve", "chat", "list", "show", "doctor"):
        code, out, _ = cli(word, "--help")
        assert code == 0 and f"selftaught {word}" in out
    assert "--held-out" in cli("improve", "--help")[1]


def test_help_is_quick():
    """Under half a second of processor time, the least of three, and without torch."""
    code = "import resource, sys\nfrom selftaught.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert 'torch' not in sys.modules\n"
    code += "u = resource.getrusage(resource.RUSAGE_SELF); print(u.ru_utime + u.ru_stime)"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=WITHOUT_CHILD).stdout for _ in range(3)
    ]
    assert "improve" in runs[0] and min(float(out.split()[-1]) for out in runs) < 0.5


def test_interrupted_run_ends_cleanly_and_resumes(cli, tmp_path):
    """SIGINT ends the run after the step under way with everything kept; going on gives what a whole run gives."""
    words = ["improve", "ttrl", *SMALL, "--steps", "60", "--no-gate", "--no-alarms", "--json"]
    going = subprocess.Popen(
        [sys.executable, "-m", "selftaught", *words, "--out", "cut"],
        cwd=tmp_path, env=WITHOUT_CHILD, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    log, patience = tmp_path / "cut" / "steps.jsonl", time.monotonic() + 90
    while not (log.exists() and log.read_text().count("\n") >= 3) and going.poll() is None and time.monotonic() < patience:
        time.sleep(0.01)
    going.send_signal(signal.SIGINT)
    out, err = going.communicate(timeout=90)
    assert going.returncode == 130 and "--resume" in err and "Traceback" not in err
    cut = last_json(out)
    assert whole(cut) and cut["verdict"] == "not tested" and 3 <= cut["steps"] < 60

    code, out, _ = cli("improve", "--resume", "--out", "cut", "--json")
    resumed, straight = last_json(out), last_json(cli(*words, "--out", "straight")[1])
    assert code == 0 and resumed["steps"] == 60
    for key in ("tokens", "gold_read", "sources", "generation", "steps"):
        assert resumed[key] == straight[key], key
    logs = [(tmp_path / name / "journal.bin").read_bytes() for name in ("cut", "straight")]
    assert logs[0] == logs[1]


def test_python_functions_say_what_the_command_line_says(cli):
    lines, steps = [], []
    result = improve(
        "ttrl",
        model="scripted",
        tasks=("sums:level=3",),
        steps=2,
        gate=False,
        options={"plan.tasks": 4},
        say=lines.append,
        watch=steps.append,
    )
    assert whole(result) and len(steps) == 2 and result["verdict"] == "not tested"


@pytest.mark.parametrize(
    ("words", "until", "times"),
    [
        (["improve", "ttrl", *SMALL, "--steps", "5000", "--no-gate", "--no-alarms", "--out", "run"], "step", 2),
        (["evaluate", "--model", "scripted", "--tasks", "sums:level=9", "--count", "20000"], "measuring", 1),
        pytest.param(["gate", "scripted", "scripted", "--tasks", "sums:level=9"], "measuring", 1, marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_ends_every_command_with_130_and_without_a_traceback(tmp_path, words, until, times):
    going = subprocess.Popen(
        [sys.executable, "-m", "selftaught", *words], cwd=tmp_path, env=WITHOUT_CHILD, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, bufsize=1,
    )  # fmt: skip
    said = []
    while going.poll() is None and not any(until in line for line in said):
        said.append(going.stderr.readline())
    for _ in range(times):
        going.send_signal(signal.SIGINT)
        time.sleep(0.05)
    out, err = going.communicate(timeout=60)
    said.append(err)
    assert going.returncode == 130 and "Traceback" not in "".join(said) and len("".join(said).splitlines()) < 15, said


def test_a_reader_that_goes_away_ends_a_command_quietly_and_a_checker_that_dies_ends_nothing(cli, tmp_path):
    going = subprocess.Popen(
        [sys.executable, "-m", "selftaught", "list", "parts"],
        cwd=tmp_path,
        env=WITHOUT_CHILD,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    going.stdout.close()
    with going.stderr:
        assert not going.stderr.read() and going.wait() == 141
    cli("list", "recipes")
    assert signal.getsignal(signal.SIGPIPE) != signal.SIG_DFL
