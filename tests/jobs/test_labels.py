"""Labels by hand: how many, in which order, blind, kept, and what they show."""

import io
import json
import random

import numpy as np
import pytest

from selftaught.commands import label as command
from selftaught.jobs.label_files import MOST_SHOWN, labels_wanted, plain, read_labels, read_questions, write_label
from selftaught.jobs.labels import Question, estimate, plan, queue, self_consistency
from selftaught.parts import BadInput


def question(task, start, result, known=None):
    return Question(str(task), f"What is {task}?", tuple(start), tuple(result), known or {})


def held_out(folder, rows):
    """A run folder whose held-out tasks have these (start, result) answers; nobody could grade them."""
    folder.mkdir(exist_ok=True)
    with (folder / "held_out.jsonl").open("w") as file:
        for task, (start, result) in enumerate(rows):
            sides = {"start": start, "result": result}
            made = {side: [{"text": f"#### {a}", "answer": a, "right": None} for a in answers] for side, answers in sides.items()}
            file.write(json.dumps({"task": f"t{task}", "text": f"question {task}", "source": "s", **made}) + "\n")
    return folder


def test_one_label_serves_both_sides_and_equal_shares_need_none():
    mixed = question("a", ["1", "1", "2", None], ["1", "2", "2", "3"])
    assert mixed.weights(4) == {"1": -0.25, "2": 0.25, "3": 0.25}
    assert mixed.weights(1) == {} and mixed.weights(2) == {"1": -0.5, "2": 0.5}
    assert mixed.most(4) == 0.5
    assert question("b", [None], [None]).weights(1) == {}


def test_the_plan_by_hand():
    """Of 100 tasks 20 disagree: sd is at most sqrt(0.2), (2.8016 * sd / 0.2)^2 = 39.2 tasks, of which a fifth takes two labels each."""
    questions = [question(i, ["1"], ["2" if i < 20 else "1"]) for i in range(100)]
    found = plan(questions, effect=0.2)
    assert (found.attempts, found.tasks, found.labels, found.available) == (1, 40, 16, 40)
    assert found.sentence() == "label 16 to detect 20 points"
    small = plan(questions)
    assert small.tasks == 628 and "40 labels would detect 12.5 points; 5 points need about 628 held-out tasks" in small.sentence()
    same = plan([question(i, ["1"], ["1"]) for i in range(9)])
    assert same.available == same.labels == 0 and "no label could tell them apart" in same.sentence()


def test_more_attempts_are_compared_where_one_does_not_suffice():
    rng = random.Random(0)
    questions = [question(i, [rng.choice("12") for _ in range(4)], [rng.choice("12") for _ in range(4)]) for i in range(300)]
    assert plan(questions, effect=0.05).attempts == 4
    sure = [question(i, ["1"] * 4, ["2"] * 4) for i in range(300)]
    assert plan(sure, effect=0.3).attempts == 1


def test_the_order_is_random_blind_and_resumable():
    questions = [question(i, ["s"], ["r"]) for i in range(200)]
    first = list(queue(questions, {}, 1))
    assert len(first) == 400 and all(first[i][0] == first[i + 1][0] for i in range(0, 400, 2))
    assert [q.task for q, _ in first[::2]] != [q.task for q in questions]
    share = np.mean([answer == "s" for _, answer in first[::2]])
    assert 0.4 < share < 0.6
    labels = {(q.task, a): 1 for q, a in first[:5]} | {(first[5][0].task, first[5][1]): None}
    assert [*queue(questions, labels, 1)] == [*first[6:], first[5]]


def test_estimate_with_everything_labeled_is_the_plain_interval():
    rng = random.Random(1)
    questions = [question(i, ["a"], ["b"]) for i in range(40)]
    labels = {(q.task, a): int(rng.random() < (0.8 if a == "b" else 0.3)) for q in questions for a in "ab"}
    diff_B = np.array([labels[q.task, "b"] - labels[q.task, "a"] for q in questions])
    found = estimate(questions, labels, 1)
    half = 2.022691 * diff_B.std(ddof=1) / 40**0.5
    assert (found["value"], found["low"], found["high"]) == pytest.approx((diff_B.mean(), diff_B.mean() - half, diff_B.mean() + half))
    assert found["waiting"] == 0 and found["labels"] == 80
    assert found["sentence"].startswith("Improved at the stated sampler; nobody labeled the best decoding")


def test_graded_answers_count_without_labels():
    questions = [question(i, ["a"], ["b"], {"a": 0, "b": i % 2}) for i in range(20)] + [question(99, ["a"], ["a"])] * 20
    found = estimate(questions, {}, 1)
    assert found["value"] == pytest.approx(0.25) and found["waiting"] == 0 and list(queue(questions, {}, 1)) == []


def simulated(rng, tasks, lift):
    """Questions and the truth about them: the right answer is '0', the result gives it more often."""
    questions, truth = [], {}
    for i in range(tasks):
        skill = rng.random()
        sides = []
        for p in (skill * (1 - lift), skill * (1 - lift) + lift):
            sides.append([("0" if rng.random() < p else str(rng.integers(1, 4))) for _ in range(2)])
        questions.append(question(i, *sides))
        truth |= {(str(i), str(a)): int(a == 0) for a in range(4)}
    return questions, truth


@pytest.mark.slow
def test_coverage_of_the_whole_estimate():
    """Runs with a true gain of 15 points, half of the disagreements labeled: 93 to 97% of intervals hold it."""
    rng, hits, narrower = np.random.default_rng(0), 0, 0
    for _ in range(600):
        questions, truth = simulated(rng, 80, 0.15)
        order = list(queue(questions, {}, 2))
        labels = {(q.task, a): truth[q.task, a] for q, a in order[: len(order) // 2]}
        found = estimate(questions, labels, 2)
        hits += found["low"] <= 0.15 <= found["high"]
        blind = estimate(questions, labels, 2, judge=lambda q, a: 0.5)
        narrower += found["high"] - found["low"] < blind["high"] - blind["low"]
    assert 0.93 <= hits / 600 <= 0.97
    assert narrower > 300


def test_more_labels_are_asked_for_until_they_cannot_help():
    rng = np.random.default_rng(5)
    questions, truth = simulated(rng, 2000, 0.02)
    order = list(queue(questions, {}, 1))
    some, many = (estimate(questions, {(q.task, a): truth[q.task, a] for q, a in order[:n]}, 1) for n in (200, 1200))
    assert some["more"] > many["more"] and "more to detect 5 points" in some["sentence"]
    few, _ = simulated(rng, 30, 0.1)
    assert estimate(few, {(q.task, a): 1 for q, a in list(queue(few, {}, 1))[:8]}, 1)["more"] is None
    none = estimate(few, {}, 1)
    assert none["value"] is None and none["sentence"].startswith("Not tested: too few labels (0); ")


def test_self_consistency_is_the_share_of_both_sides():
    assert self_consistency(question("a", ["1", "2"], ["1", None]), "1") == 0.5


def test_labels_survive_a_crash(tmp_path):
    path, one = tmp_path / "labels.jsonl", question("é", ["a"], ["b"])
    write_label(path, one, "a", 1)
    with path.open("a") as file:
        file.write('{"task": "é", "answ')
    assert read_labels(path) == {("é", "a"): 1}
    write_label(path, one, "b", None)
    assert read_labels(path) == {("é", "a"): 1, ("é", "b"): None}
    write_label(path, one, "a", 0)
    assert read_labels(path) == {("é", "a"): 0, ("é", "b"): None}
    path.write_text("{}\n" + path.read_text())
    with pytest.raises(BadInput, match="line 1: not a label"):
        read_labels(path)


def test_what_could_steer_a_terminal_is_written_out():
    assert plain("a\x1b[31mred\x07 \u202etxt\rZ\n\tü") == "a\\x1b[31mred\\x07 \\u202etxt\\rZ\n    ü"
    assert plain("x" * (MOST_SHOWN + 5)).endswith("(5 more characters)")


@pytest.fixture
def label(monkeypatch, capsys):
    """`label(folder, replies)`: exit code, standard output and standard error."""

    def run(folder, replies, **options):
        monkeypatch.setattr("sys.stdin", io.StringIO(replies))
        code = command.run(command.Options(run=str(folder), **options))
        return code, *capsys.readouterr()

    return run


def test_the_command(label, tmp_path):
    folder = held_out(tmp_path / "run", [(["1"], ["2"]), (["3"], ["3"]), (["4\x1b[2J"], [None]), (["5"], ["6"])])
    code, out, err = label(folder, "y\nwhat\nn\ns\nq\n")
    assert code == 0 and "5 answers wait" in err and "y = right" in err and "\x1b" not in err and "1 skipped" in out
    assert "start" not in err and "result" not in err
    assert len((folder / "labels.jsonl").read_text().splitlines()) == 3
    code, out, err = label(folder, "y\n", json=True, count=1)
    assert "[1/3]" in err and json.loads(out.splitlines()[-1])["labels"] == 3
    code, out, err = label(folder, "y\ny\n", json=True)
    found = json.loads(out.splitlines()[-1])
    assert found["labels"] == 5 and found["waiting"] == 0 and found["low"] <= found["value"] <= found["high"]
    assert "No answer waits" in label(folder, "")[2]


def test_folders_that_cannot_be_labeled(label, tmp_path):
    with pytest.raises(BadInput, match="nothing to label"):
        label(tmp_path, "")
    (tmp_path / "held_out.jsonl").write_text('{"task": "a"}\n')
    with pytest.raises(BadInput, match="line 1"):
        label(tmp_path, "")
    with pytest.raises(BadInput, match="no attempt marks an answer"):
        label(held_out(tmp_path, [([None], [None])]), "")
    sentence, labels = labels_wanted(tmp_path)
    assert labels is None and "would not help" in sentence
    assert read_questions(held_out(tmp_path, [(["1"], ["2"])]))[0].known == {}
    sentence, labels = labels_wanted(tmp_path)
    assert labels == plan(read_questions(tmp_path)).labels and "selftaught label" in sentence
