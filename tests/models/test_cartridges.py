"""A prefix of one's own documents, whole: a folder is studied, the run is killed and goes on, and what it kept answers."""

import asyncio
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from local_models import make_folder
from safetensors.torch import load_file

from selftaught import api
from selftaught.jobs.chat import replies
from selftaught.models.language.local import open_local
from selftaught.parts import BadInput
from selftaught.run.training import TrainingRun
from selftaught.stages import Objective
from selftaught.train import AdamW, OffContext, Prefix, TopDistillation
from selftaught.types import Attempt, Group, Message, ScoreRequest, Task

QUESTIONS = [{"prompt": f"What does {who} keep?", "answer": what} for who, what in zip("ABCDEFGHIJKL", "mnopqrstuvwx", strict=True)]


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    make_folder(home / "model", "llama", positions=256)
    (home / "docs").mkdir()
    (home / "docs" / "one.txt").write_text("Mira keeps the lamp. Jonas keeps the key.\n\nAda keeps the map.")
    (home / "docs" / "two.md").write_text("Otto keeps the drum.")
    (home / "docs" / "code.py").write_text("print('no document')")
    (home / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS))
    return home


def job(home, **changed):
    options = {"plan.tasks": 2, "0.plan.n": 2, "0.every": 1, "weights.notes.tokens": 8, "weights.notes.fixed": 2}
    given = {"model": str(home / "model"), "tasks": (f"docs:{home}/docs,size=45",), "held_out": (f"{home}/questions.jsonl",), "steps": 3}
    return {**given, "max_tokens": 6, "answer": "text", "held_out_count": 4, "options": options, **changed}


@pytest.fixture(scope="module")
def whole(home, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "whole"
    return run, api.improve("cartridges", out=run, **job(home))


def prefix(run, generation, name="notes"):
    return load_file(run / "generations" / generation / "prefixes" / f"{name}.safetensors")


def test_it_alone_is_trained_and_saved(whole):
    run, result = whole
    start, end = prefix(run, "00000"), prefix(run, "00003")
    assert start["keys"].shape == (2, 2, 6, 8) and not torch.equal(start["keys"], end["keys"]) and torch.equal(start["first"], end["first"])
    weights = [(run / "generations" / name / "policy" / "model.safetensors").read_bytes() for name in ("00000", "00003")]
    assert weights[0] == weights[1]
    assert result["verdict"].startswith("can't tell") and result["tokens"]["scored"] > 0
    assert result["forecast"]["why"].endswith("and others are trained") and result["gold_read"]["train"] == 0
    rows = [json.loads(line) for line in (run / "steps.jsonl").read_text().splitlines()]
    assert all(row["learned"] == 4 and row["loss/top-distillation"] > 0 for row in rows)


def test_killed_in_a_step_and_resumed_equals_untouched(whole, home, tmp_path, monkeypatch):
    run, result = whole
    learned, learn = [], TrainingRun.take_step

    async def killed(self, examples, objectives):
        learned.append(len(examples))
        if len(learned) == 2:
            raise Killed
        await learn(self, examples, objectives)

    monkeypatch.setattr(TrainingRun, "take_step", killed)
    with pytest.raises(Killed):
        api.improve("cartridges", out=tmp_path / "run", **job(home))
    monkeypatch.undo()
    resumed = api.improve("cartridges", out=tmp_path / "run", resume=True)
    for name, tensor in prefix(run, "00003").items():
        assert torch.equal(tensor, prefix(tmp_path / "run", "00003")[name])
    assert (run / "journal.bin").read_bytes() == (tmp_path / "run" / "journal.bin").read_bytes()
    assert resumed["tokens"] == result["tokens"] and resumed["verdict"] == result["verdict"]


def test_gate_chat_and_solve_answer_behind_what_was_kept(whole, home):
    run, result = whole
    found = api.gate(run)
    assert (found["before"], found["after"]) == (result["before"], result["after"])
    asked = [row["prompt"] for row in QUESTIONS[:6]]
    said = list(replies(str(run), asked))
    assert len(said) == 6 and any(before != after for before, after in said)
    one = api.solve(asked[0], recipe=str(run))
    assert one["attempts"] == 1 and isinstance(one["text"], str)


def test_two_that_were_studied_apart_stand_together(whole, home, tmp_path):
    saved = str(whole[0] / "generations" / "00003" / "prefixes" / "notes.safetensors")
    docs = job(home)["tasks"][0]
    options = {"plan.tasks": 2, "0.plan.n": 2, "1.plan.n": 2, "weights.notes.corpus": saved, "weights.more.tokens": 5}
    asked = job(home, tasks=(docs, f"docs:{home}/docs/two.md"), steps=2, options=options, gate=False)
    api.improve("cartridges-together", out=tmp_path / "run", **asked)
    start, end = (prefix(tmp_path / "run", "00000", name) for name in ("notes", "more"))
    assert all(torch.equal(tensor, load_file(saved)[name]) for name, tensor in start.items()) and end["keys"].shape[2] == 4
    after = [prefix(tmp_path / "run", "00002", name) for name in ("notes", "more")]
    assert not torch.equal(after[0]["keys"], start["keys"]) and not torch.equal(after[1]["keys"], end["keys"])


def test_what_cannot_be_studied_is_one_line(whole, home, tmp_path):
    for changed, words in (
        ({"tasks": (f"docs:{home}/none",)}, r"no \.txt or \.md file is there"),
        ({"tasks": ("sums:level=1",)}, "'notes' begins as documents, and sums:level=1 has none"),
        ({"options": {"weights.notes.tokens": 500}}, "its text has [0-9]+ tokens, fewer than 500"),
        ({"options": {"weights.notes.corpus": f"{home}/x.safetensors"}}, "holds no saved prefix"),
    ):
        with pytest.raises(BadInput, match=words):
            api.improve("cartridges", out=tmp_path / "run", **job(home, **changed))
        assert not (tmp_path / "run").exists()
    with pytest.raises(BadInput, match="'more' begins as documents, and what was given has none"):
        api.improve("cartridges-together", out=tmp_path / "run", **job(home, options={"weights.notes.tokens": 8}))
    options = {"weights.notes.corpus": str(whole[0] / "generations" / "00003" / "prefixes" / "notes.safetensors")}
    make_folder(tmp_path / "gpt2", "gpt2")
    with pytest.raises(BadInput, match="is of another model"):
        api.improve("cartridges", out=tmp_path / "run", **job(home, model=str(tmp_path / "gpt2"), options=options))


@pytest.mark.parametrize(("corpus", "source"), [("tasks", -1), ("tasks:1", 1), ("", None), ("tasks.txt", None), ("tasks:x", None)])
def test_which_documents_it_begins_as(corpus, source):
    assert Prefix(corpus=corpus).source == source


def test_the_untrained_prefix_is_its_text_in_the_context_and_the_loss_its_divergence(home):
    """A naive twin: the teacher's and the student's distributions computed by the module itself, over whole sequences."""
    text = "Mira keeps"
    model = open_local(home / "model", device="cpu", prefixes={"notes": Prefix(tokens=len(text), text=text)})
    document, question = Message("system", "Mira keeps the lamp."), Message("user", "What?")
    run = SimpleNamespace(tokens=lambda messages, reply="": model.tokens(messages, reply), score=scored(model))
    attempt = Attempt(id="a", task="d", payload=model.tokens((document, question), "lamp"), messages=(document, question))
    group = Group(key="d", task=Task(id="d", prompt="d"), attempts_G=(attempt,))
    [example] = asyncio.run(OffContext(top=5).credit(run, [group]))
    [bare] = example.payloads
    prefix, module = model.renderer.tokenizer.encode(text, add_special_tokens=False), model.trainer.module

    def logprobs(ids):
        with torch.no_grad():
            return module(torch.tensor([list(map(int, ids))]), use_cache=False).logits[0].log_softmax(-1)

    with_document, with_prefix = logprobs(attempt.payload.ids), logprobs([*prefix, *bare.ids])
    longer, total, places = len(attempt.payload) - len(bare), 0.0, np.flatnonzero(example.streams["mask"])
    for t in places:
        teacher_V, student_V = with_document[longer + t - 1], with_prefix[len(prefix) + t - 1]
        best = teacher_V.topk(5).indices
        total += float((teacher_V[best].exp() * (teacher_V[best] - student_V[best])).sum())
        assert sorted(best.tolist()) == sorted(example.streams["teacher_ids"][t].astype(int).tolist())
    assert bare.ids[places[0] - 1] == attempt.payload.ids[places[0] - 1 + longer]
    objective = Objective(loss=TopDistillation(), optimizer=AdamW(lr=0.0), updates=("notes",))
    found = asyncio.run(model.learn([example], [objective]))
    assert found["loss/top-distillation"] == pytest.approx(total / len(places), rel=1e-3)


def scored(model):
    """`Run.score` of a model alone."""

    async def score(tag, payload, *, outputs, weights, attempt, start):
        request = ScoreRequest(key=tag, payload=payload, outputs=outputs, weights=weights, attempt=attempt, start=start)
        return (await model.score([request]))[0]

    return score
