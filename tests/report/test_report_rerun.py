"""The command that runs a run again gives the same job."""

import json
import shlex
from dataclasses import asdict

import pytest

from selftaught import api
from selftaught.cli import main
from selftaught.jobs.job import Job
from selftaught.report.rerun import rerun_command

JOBS = (
    {}, {"recipe": "ttrl", "seed": 7, "tasks": ("sums:level=3", "a file with 'quotes'.jsonl,prompt=q"), "budget": "1M,10m"},
    {"anyway": True, "gate_share": 0.5, "unsafe_checkers": True},
    {"held_out": ("x.jsonl",), "steps": 3, "adapter": "lora", "temperature": 0.7, "max_tokens": 96, "gate": False, "without": "reflect"},
    {"engine": "vllm:gpu_memory_utilization=0.5,enforce_eager=true", "model": "some/model"},
    {"model": "-odd name; rm -rf $HOME", "held_out_count": 50, "evaluation_seed": 9, "gate": "full"},
    {"engine": "local:dtype=bfloat16,fast=false"},
    {"forecast": False, "monitors": False, "audit": 12, "off_task": ("sums:level=2", "chain:level=3")},
    {"template": "Q: {prompt}\nA:", "system": "Be brief.", "answer": "number", "stop": ("\n", "#"), "chat_template_kwargs": '{"a": true}'},
    {"options": {"plan.n": "16", "optimizer.lr": "1e-05", "explore": "sample:n=4", "read.vote.min_share": "-0.5"}},
)  # fmt: skip


class Asked(Exception):
    """Raised in the place of a run."""


@pytest.fixture
def asked(monkeypatch):
    """The job that a command would start, from the command line as a shell would split it."""

    def ask(command):
        program, *args = shlex.split(command)
        assert program == "selftaught"
        with pytest.raises(Asked) as caught:
            main(args)
        [job] = caught.value.args
        return Job(**{name: value for name, value in job.items() if name in Job.__dataclass_fields__})

    def stand_in(**job):
        raise Asked(job)

    monkeypatch.setattr(api, "improve", stand_in)
    return ask


@pytest.mark.parametrize("given", JOBS)
def test_the_command_gives_the_same_job(asked, given):
    job = Job(**given)
    assert asked(rerun_command(json.loads(json.dumps(asdict(job))))) == job


def test_every_field_is_tried():
    assert {name for given in JOBS for name in given} | {"options"} == set(Job.__dataclass_fields__)


def test_options_given_from_python_are_spelled_as_the_command_line_reads_them(asked):
    job = Job(recipe="ttrl", options={"plan.n": 4, "optimizer.betas": (0.9, 0.95), "steps": 2})
    assert asked(rerun_command(json.loads(json.dumps(asdict(job))))).resolved() == job.resolved()


def test_a_job_of_another_version_leaves_out_what_is_not_known():
    assert rerun_command({"recipe": "ttrl", "budget": None, "was": 3, "seed": 2}) == "selftaught improve ttrl --seed 2"
