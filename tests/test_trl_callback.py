"""The callback in TRL's own trainers: what it says, and that training does not notice it."""

import os
import random
import warnings

import numpy as np
import pytest

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
pytestmark = [pytest.mark.filterwarnings("ignore")]
TASKS = ["sums:level=1"]
SMALL = {"held_out_count": 6, "max_tokens": 6}


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A tiny random Llama folder."""
    from models.local_models import make_folder

    return make_folder(tmp_path_factory.mktemp("start"), "llama", chat=False)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SELFTAUGHT_CACHE", str(tmp_path / "cache"))


def train(kind, start, out, callbacks=(), adapter=False, steps=3, **options):
    """A trainer after a few steps on the CPU; dropout and shuffling make it depend on every random state."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from datasets import Dataset
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

        random.seed(1)
        np.random.seed(1)
        model = AutoModelForCausalLM.from_pretrained(start, attention_dropout=0.1)
        tokenizer = AutoTokenizer.from_pretrained(start, padding_side="left")
        common = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "report_to": "none", "save_strategy": "no"}
        common |= {"disable_tqdm": True, "per_device_train_batch_size": 4, "max_steps": steps, "learning_rate": 1e-2, "seed": 3, **options}
        more = {"processing_class": tokenizer, "callbacks": list(callbacks)}
        if adapter:
            from peft import LoraConfig

            more["peft_config"] = LoraConfig(r=2, lora_dropout=0.2, target_modules="all-linear", task_type="CAUSAL_LM")
        if kind == "sft":
            rows = Dataset.from_list([{"prompt": f"{i}*{i}=", "completion": f"{i * i}"} for i in range(16)])
            trainer = SFTTrainer(model, SFTConfig(str(out), **common), train_dataset=rows, **more)
        else:
            rows = Dataset.from_list([{"prompt": f"{i}*{i}="} for i in range(16)])
            made = GRPOConfig(str(out), num_generations=4, max_completion_length=6, **common)
            trainer = GRPOTrainer(model, lambda completions, **_: [random.random() for _ in completions], made, train_dataset=rows, **more)
        trainer.train()
    return trainer


def weights(trainer):
    return {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}


@pytest.mark.parametrize(
    "kind, adapter",
    [pytest.param("sft", False, marks=pytest.mark.slow), pytest.param("grpo", False, marks=pytest.mark.slow), ("sft", True)],
)
def test_training_with_it_gives_the_same_weights_bit_for_bit(kind, adapter, start, tmp_path, capsys):
    import torch

    from selftaught.callbacks.trl import GateCallback

    gate = GateCallback(TASKS, every=2, **SMALL)
    alone, beside = (train(kind, start, tmp_path / name, given, adapter) for name, given in (("a", ()), ("b", (gate,))))
    assert all(torch.equal(tensor, weights(beside)[name]) for name, tensor in weights(alone).items())
    assert alone.state.log_history[-1]["train_loss"] == beside.state.log_history[-1]["train_loss"] != 0
    assert beside.model.training == alone.model.training
    changed = [n for n, p in beside.model.named_parameters() if p.requires_grad and not torch.equal(p, alone.model.state_dict()[n])]
    assert changed == []
    assert gate.result["verdict"] and gate.result["tasks"] == 6 and gate.result["reuse"] == 2
    assert list(gate.history) == [2] and gate.history[2]["verdict"]
    assert "selftaught, result: " in capsys.readouterr().out


def test_start_and_result_are_those_of_the_gate_on_checkpoints(start, tmp_path):
    """The same numbers as `selftaught gate START RESULT` on the folders, attempt by attempt."""
    from selftaught.callbacks.trl import GateCallback
    from selftaught.jobs.gate import gate

    callback = GateCallback(TASKS, **SMALL)
    trainer = train("sft", start, tmp_path / "out", [callback], learning_rate=3e-2)
    trainer.save_model(str(tmp_path / "after"))
    after = gate(str(start), str(tmp_path / "after"), tasks=TASKS, held_out_count=6, max_tokens=6)
    for key in ("verdict", "before", "after", "gain", "low", "high", "p", "best", "baselines"):
        assert callback.result[key] == after[key]


def test_modes_and_random_states_are_put_back():
    import torch

    from selftaught.callbacks.live import undisturbed

    module = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout(0.5), torch.nn.Linear(2, 2))
    module.train()
    module[0].eval()
    for draw in (torch.manual_seed, np.random.seed, random.seed):
        draw(7)
    expected = torch.rand(3), np.random.rand(), random.random()
    for draw in (torch.manual_seed, np.random.seed, random.seed):
        draw(7)
    with undisturbed(module):
        assert not any(part.training for part in module.modules()) and not torch.is_grad_enabled()
        torch.rand(9), np.random.rand(9), random.random()
    assert [part.training for part in module.modules()] == [True, False, True, True] and torch.is_grad_enabled()
    assert torch.equal(torch.rand(3), expected[0]) and (np.random.rand(), random.random()) == expected[1:]
    with pytest.raises(RuntimeError), undisturbed(module):
        raise RuntimeError
    assert module.training


def test_wrappers_come_off_and_a_running_loop_is_no_obstacle():
    import asyncio

    import torch

    from selftaught.callbacks.live import unwrapped
    from selftaught.coroutines import finished

    inner = torch.nn.Linear(2, 2)
    assert unwrapped(torch.nn.DataParallel(inner)) is inner is unwrapped(inner)

    async def seven():
        return 7

    async def outer():
        return finished(seven)

    assert finished(seven) == asyncio.run(outer()) == 7


class Args:
    """What the callback reads of a trainer's arguments."""

    fsdp = deepspeed = ""

    def __init__(self, folder):
        self.output_dir = str(folder)


class State:
    is_world_process_zero, max_steps, num_input_tokens_seen = True, 10, 0

    def __init__(self, step=0):
        self.global_step = step


def given(start):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return {"model": AutoModelForCausalLM.from_pretrained(start), "processing_class": AutoTokenizer.from_pretrained(start)}


def test_a_resumed_training_remembers_its_start(start, tmp_path):
    from selftaught.callbacks.trl import GateCallback
    from selftaught.parts import BadInput

    one, two, other = (GateCallback(TASKS, **(SMALL | more)) for more in ({}, {}, {"evaluation_seed": 5}))
    with pytest.raises(BadInput, match="does not hold its start"):
        two.on_train_begin(Args(tmp_path / "out"), State(4), None, **given(start))
    one.on_train_begin(Args(tmp_path / "out"), State(), None, **given(start))
    two.on_train_begin(Args(tmp_path / "out"), State(4), None, model=None)
    assert two.start.side.record() == one.start.side.record()
    with pytest.raises(BadInput, match="other tasks"):
        other.on_train_begin(Args(tmp_path / "out"), State(4), None, model=None)


def test_what_is_refused_before_anything_is_spent(start, tmp_path):
    from datasets import Dataset

    from selftaught.callbacks.trl import GateCallback
    from selftaught.jobs.bench import open_bench
    from selftaught.parts import BadInput
    from selftaught.types import SamplerSettings

    with pytest.raises(BadInput, match=r"tasks=\['sums'\]"):
        GateCallback("sums")
    with pytest.raises(BadInput, match="every=0"):
        GateCallback(TASKS, every=0)
    sharded = Args(tmp_path)
    sharded.fsdp = "full_shard"
    with pytest.raises(BadInput, match="selftaught gate"):
        GateCallback(TASKS).on_train_begin(sharded, State(), None)
    held = open_bench(TASKS, SamplerSettings(max_tokens=6), count=6).splits["held-out"]

    class Loader:
        dataset = Dataset.from_list([{"prompt": held[2].text.upper()}, {"prompt": "something else"}])

    with pytest.raises(BadInput, match="1 of 6 held-out questions are among the training prompts"):
        GateCallback(TASKS, **SMALL).on_train_begin(Args(tmp_path), State(), None, train_dataloader=Loader(), **given(start))


@pytest.mark.parametrize("shape", ["system", "parts", "messages", "text", "conversations", "tokens", "spelled", "another", "stream", "odd"])
def test_held_out_questions_are_found_in_every_shape(shape, tmp_path):
    from datasets import Dataset

    from selftaught.callbacks.leaks import refuse_shared
    from selftaught.jobs.bench import open_bench
    from selftaught.parts import BadInput
    from selftaught.types import SamplerSettings

    (tmp_path / "a.jsonl").write_text("".join(f'{{"prompt": "What is {i} / 2?", "answer": "{i}"}}\n' for i in range(40)))
    bench = open_bench([f"{tmp_path / 'a.jsonl'},whole=True"], SamplerSettings(max_tokens=6), count=6)
    q = bench.splits["held-out"][0].text
    row = {
        "system": {"prompt": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": q}]},
        "parts": {"prompt": [{"role": "user", "content": [{"type": "text", "text": q}]}]},
        "messages": {"messages": [{"role": "user", "content": q}, {"role": "assistant", "content": "1"}]},
        "text": {"text": f"user\n{q}\nassistant\nIt is 5."}, "conversations": {"conversations": [{"from": "human", "value": q}]},
        "tokens": {"input_ids": [ord(c) for c in q]}, "spelled": {"prompt": q.replace(" / ", "/").upper()},
        "another": {"prompt": q.replace("/", "+")}, "stream": {"prompt": q}, "odd": {"pixels": "x"},
    }[shape]  # fmt: skip

    class Tokenizer:
        def decode(self, ids, skip_special_tokens):
            return "".join(map(chr, ids))

    class Loader:
        dataset = Dataset.from_list([row])

    if shape == "stream":
        Loader.dataset = Loader.dataset.to_iterable_dataset()
    if shape == "another":
        refuse_shared(bench, Loader(), Tokenizer())
    elif shape in ("stream", "odd"):
        with pytest.warns(UserWarning, match="could not look for the held-out questions"):
            refuse_shared(bench, Loader(), Tokenizer())
    else:
        with pytest.raises(BadInput, match="1 of 6 held-out questions are among the training prompts.*train_dataset"):
            refuse_shared(bench, Loader(), Tokenizer())


def test_training_is_not_lost_when_the_last_measurement_fails(start, tmp_path, recwarn):
    from selftaught.callbacks.trl import GateCallback

    callback = GateCallback(TASKS, **SMALL)
    callback.on_train_begin(Args(tmp_path), State(), None, **given(start))
    with pytest.warns(UserWarning, match="could not measure"):
        callback.on_train_end(Args(tmp_path), State(9), None, model=object())
    assert callback.result is None
