"""Several models behind the verbs of one: who is asked, what it costs, what is saved, and what is refused."""

import asyncio
import json
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from local_models import Adam, Weighted, example, make_folder, request

import selftaught
from selftaught.jobs.estimate import estimate
from selftaught.jobs.job import Job
from selftaught.jobs.models import open_model
from selftaught.models.cast import Cast
from selftaught.models.language.local import open_local
from selftaught.models.scripted import ScriptedModel
from selftaught.parts import BadInput
from selftaught.protocols import Member, Model
from selftaught.recipe import Recipe, get_recipe
from selftaught.run.ledger import Ledger
from selftaught.stages import Objective, Supervise
from selftaught.train import Average, Distilled, TopDistillation
from selftaught.types import Score, ScoreRequest


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {name: make_folder(tmp_path_factory.mktemp(name), name, chat=name != "gpt2") for name in ("llama", "qwen3", "gpt2")}
    return made | {"wide": make_folder(tmp_path_factory.mktemp("wide"), "llama", width=64)}


def cast(folders, lead="llama", trained=(), **others):
    return Cast(open_local(folders[lead], device="cpu"), {n: open_local(folders[f], device="cpu") for n, f in others.items()}, trained)


def said(attempts):
    return [(a.id, a.text, a.payload.ids.tolist(), a.payload.logprobs.tolist()) for a in attempts]


def objective(*updates, lr=1e-2):
    return Objective(loss=Weighted(), optimizer=Adam(lr=lr), updates=updates)


def test_each_request_goes_to_whom_it_names(folders):
    both, alone = cast(folders, teacher="wide"), open_local(folders["wide"], device="cpu")
    asked = [request("a", n=3, weights="teacher"), request("b", n=2), request("c", n=2, weights="start"), request("d", weights="teacher")]
    found = asyncio.run(both.sample(asked))
    assert isinstance(both, Model)
    assert [[a.sampler for a in group] for group in found] == [["teacher"] * 3, ["policy"] * 2, ["start"] * 2, ["teacher"]]
    wanted = asyncio.run(alone.sample([replace(r, weights="policy") for r in (asked[0], asked[3])]))
    assert said(found[0] + found[3]) == said(wanted[0] + wanted[1])
    assert said(found[1] + found[2]) == said(sum(asyncio.run(open_local(folders["llama"], device="cpu").sample(asked[1:3])), []))
    scores = [
        ScoreRequest(key=f"s{i}", payload=found[0][0].payload, weights=w) for i, w in enumerate(("teacher", "policy", "teacher.start"))
    ]
    own, other, start = (s["logprobs"] for s in asyncio.run(both.score(scores)))
    sampled = found[0][0].payload.sampled
    np.testing.assert_allclose(own[sampled], found[0][0].payload.logprobs[sampled], atol=1e-4)
    assert np.array_equal(own, start) and not np.allclose(own, other, atol=1e-2)
    assert both.member("teacher") == Member("teacher", alone.parameters) == both.member("teacher.ema")
    assert both.member("ema") == Member("", both.parameters) and both.parameters < alone.parameters
    assert both.digest("teacher") == alone.digest() and both.digest() == both.lead.digest()


def test_each_renders_by_its_own_template(folders):
    both = cast(folders, teacher="gpt2")
    asked = request("k")
    alone = open_local(folders["gpt2"], device="cpu")
    assert both.count(asked.messages, weights="teacher") == alone.count(asked.messages) != both.count(asked.messages)
    ((attempt,),) = asyncio.run(both.sample([replace(asked, weights="teacher")]))
    assert attempt.payload.opened == alone.count(asked.messages)


def test_a_member_that_is_trained_learns_and_is_saved_and_a_frozen_one_is_not(folders, tmp_path):
    model = cast(folders, trained=("listener",), listener="wide", judge="qwen3")
    rng = np.random.default_rng(0)
    given, before = [example(rng, (20,)) for _ in range(4)], {w: model.digest(w) for w in ("policy", "listener", "judge")}
    metrics = asyncio.run(model.learn(given, [objective("policy"), objective("listener")]))
    assert {"loss/weighted", "listener/loss/weighted"} <= metrics.keys()
    asyncio.run(model.average("listener", "listener.ema", 0.5))
    assert asyncio.run(model.publish()) == 1 == model.others["listener"].generation and not model.others["judge"].generation
    after = {w: model.digest(w) for w in ("policy", "listener", "listener.ema", "judge")}
    assert after["judge"] == before["judge"] and after["policy"] != before["policy"] and after["listener"] != before["listener"]
    asyncio.run(model.save(tmp_path))
    assert [path.name for path in (tmp_path / "cast").iterdir()] == ["listener"]
    assert json.loads((tmp_path / "cast.json").read_text()) == {"judge": after["judge"]}
    again = cast(folders, trained=("listener",), listener="wide", judge="qwen3")
    asyncio.run(again.load(tmp_path))
    assert {w: again.digest(w) for w in after} == after
    for one in (model, again):
        asyncio.run(one.learn(given, [objective("listener")]))
    assert again.digest("listener") == model.digest("listener")
    other = cast(folders, trained=("listener",), listener="wide", judge="wide")
    with pytest.raises(BadInput, match="'judge' is another one than it was"):
        asyncio.run(other.load(tmp_path))


def test_what_a_cast_cannot_do_is_one_line(folders):
    model, rng = cast(folders, teacher="wide"), np.random.default_rng(0)
    model.others["stranger"] = ScriptedModel()
    given = [example(rng, (20,))]
    ((policy,), (stranger,)) = asyncio.run(model.sample([request("a"), request("b", weights="stranger")]))
    for work, words in (
        (model.learn(given, [objective("teacher")]), "'teacher' is frozen"),
        (model.learn(given, [objective("policy", "teacher")]), "two models, policy, teacher: split it"),
        (model.average("policy", "teacher", 0.5), "no average"),
        (model.average("teacher", "teacher.ema", 0.5), "'teacher' is frozen"),
        (model.sample([request("c", after=policy, weights="stranger")]), "'stranger' continues an attempt of 'policy'"),
        (model.sample([request("c", after=stranger)]), "continues an attempt of 'stranger'"),
        (model.score([ScoreRequest(key="s", payload=policy.payload, weights="stranger")]), "ask it in words"),
    ):
        with pytest.raises(BadInput, match=words):
            asyncio.run(work)
    for name in ("policy", "start", "a.b"):
        with pytest.raises(BadInput, match="can be called"):
            replace(get_recipe("ttrl"), models={name: ""})


def test_the_ledger_counts_by_who_did_the_work():
    ledger = Ledger("1000flops", parameters=10)
    assert not ledger.admit(30, parameters=20) and ledger.admit(30)
    ledger.release(30)
    assert ledger.admit(25, parameters=20) and not ledger.admit(1)
    ledger.release(25, parameters=20)
    ledger.tokens("sampled", 5, parameters=20)
    ledger.tokens("scored", 5)
    ledger.tokens("trained", 2, parameters=4)
    ledger.tokens("sampled", 7, purpose="evaluate", parameters=20)
    assert ledger.flops == 2 * (5 * 20 + 5 * 10) + 6 * 2 * 4
    again = Ledger(None, parameters=10)
    again.restore(ledger.snapshot())
    for one in (ledger, again):
        assert one.summary()["flops"] == {"spent": 348, "evaluated": 2 * 7 * 20}
        assert sum(row["count"] for row in one.table() if row["table"] == "flops") == 348 + 280
        assert not [row for row in one.table() if row["table"] == "beyond"]


@dataclass(frozen=True, kw_only=True)
class Taught(Supervise):
    """A teacher attempts each task too, and likes what it finds likelier than its own attempt."""

    name: ClassVar[str] = "taught-in-a-test"
    signal: ClassVar[tuple[str, ...]] = ("teacher",)

    async def read_group(self, run, group):
        own = await run.sample("own", group.task, group.task.messages, weights="teacher", role="teacher")
        values = {}
        for a in (*group.attempts_G, *own):
            if reply := await run.score(f"likes-{a.id}", a.payload, weights="teacher", start=a.payload.opened):
                values[a.id] = float(reply["logprobs"].sum())
        assert all(a.sampler == "teacher" for a in own)
        bar, scored = values[own[0].id] if own else 0.0, [a.id for a in group.attempts_G if a.id in values]
        return group.scored([Score(attempt=i, value=values[i] - bar, source="teacher", judge=self.name) for i in scored])


def taught(**changes) -> Recipe:
    base = get_recipe("ttrl")
    phase = replace(base.phases[0], read=(Taught(),), steps=2, every=1)
    return replace(base, name="taught-in-a-test", phases=(phase,), models={"teacher": "sprout"}, **changes)


def test_a_run_with_a_teacher_of_another_width_counts_it_and_resumes_exactly(folders, tmp_path, monkeypatch):
    recipe = taught()
    monkeypatch.setattr("selftaught.jobs.job.get_recipe", lambda name: recipe)
    options = {"plan.tasks": 2, "plan.n": 3, "optimizer.lr": 1e-2, "models.teacher": str(folders["wide"])}
    job = dict(model=str(folders["llama"]), tasks=("sums:level=1",), options=options, max_tokens=6, answer="text", gate=False, anyway=True)
    planned = estimate(Job(**job))
    wide, narrow = (open_local(folders[name], device="cpu").parameters for name in ("wide", "llama"))
    assert planned["models"] == {"teacher": wide} and planned["parameters"] == narrow
    selftaught.improve("ttrl", out=tmp_path / "whole", forecast=False, monitors=False, **job)
    rows = json.loads((tmp_path / "whole" / "ledger.json").read_text())
    rows = rows if isinstance(rows, list) else rows["rows"]
    count = {(r["table"], r["kind"], r["role"]): r["count"] for r in rows if r["role"] == "teacher"}
    for kind in ("prompted", "sampled"):
        assert count["flops", kind, "teacher"] == 2 * wide * count["tokens", kind, "teacher"]
    assert not (tmp_path / "whole" / "generations" / "00002" / "cast").exists()

    steps = [json.loads(line) for line in (tmp_path / "whole" / "steps.jsonl").read_text().splitlines()]
    assert all("uniformity" in step for step in steps), "a cast has what its leader has beside the verbs"

    class Stopped(Exception):
        pass

    learn = selftaught.models.language.model.LanguageModel.learn

    async def dies(self, *given):
        if self.generation == 1:
            raise Stopped
        return await learn(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr("selftaught.models.language.model.LanguageModel.learn", dies)
        with pytest.raises(Stopped):
            selftaught.improve("ttrl", out=tmp_path / "stopped", forecast=False, monitors=False, **job)
    selftaught.improve(out=tmp_path / "stopped", resume=True)
    for name in ("generations/00002/policy/model.safetensors", "attempts.jsonl"):
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_missing_member_is_named_before_anything_is_opened(monkeypatch):
    recipe = replace(get_recipe("ttrl"), models={"teacher": "/no/such/folder"})
    monkeypatch.setattr("selftaught.jobs.models.open_lead", lambda *_: pytest.fail("opened"))
    with pytest.raises(BadInput, match=r"--models.teacher: there is no model folder or run '/no/such/folder'"):
        open_model(Job(), recipe)


def test_who_learns_is_told_from_the_recipe():
    recipe = taught()
    assert recipe.learns == ("policy",) and "models.teacher" in recipe.options()
    phase = replace(recipe.phases[0], updates=(Average(source="policy", into="ema"), Average(source="teacher", into="teacher.ema")))
    assert replace(recipe, phases=(phase,)).learns == ("policy", "ema", "teacher.ema")
    scripted = open_model(Job(model="scripted"), replace(recipe, phases=(phase,), models={"teacher": "scripted"}))
    assert scripted.trained == ["teacher"] and isinstance(scripted.others["teacher"], ScriptedModel)


@pytest.mark.slow
@pytest.mark.parametrize("model", ["scripted", "llama"])
def test_a_student_is_distilled_from_a_wider_teacher(folders, tmp_path, monkeypatch, model):
    base = taught()
    objective = Objective(loss=TopDistillation(), optimizer=base.phases[0].objectives[0].optimizer)
    phase = replace(base.phases[0], read=(), select=(), credit=Distilled(top=4), objectives=(objective,))
    recipe = replace(base, phases=(phase,))
    monkeypatch.setattr("selftaught.jobs.job.get_recipe", lambda name: recipe)
    teacher, own = ("scripted", model) if model == "scripted" else (str(folders["wide"]), str(folders[model]))
    options = {"plan.tasks": 2, "plan.n": 4, "optimizer.lr": 1e-2, "steps": 30, "models.teacher": teacher}
    job = dict(model=own, tasks=("sums:level=1",), options=options, max_tokens=8, answer="text", gate=False, anyway=True)
    selftaught.improve("ttrl", out=tmp_path / "run", forecast=False, monitors=False, **job)
    steps = [json.loads(line) for line in (tmp_path / "run" / "steps.jsonl").read_text().splitlines()]
    assert len(steps) == 30 and json.loads((tmp_path / "run" / "result.json").read_text())["sources"]["teacher"] == 1.0
    if model != "scripted":
        losses = [step["loss/top-distillation"] for step in steps]
        assert np.mean(losses[-3:]) < 0.7 * np.mean(losses[:3])
