"""Every command on every kind of model folder: no chat template, a custom one with its own arguments, an adapter, a GGUF file."""

import json
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.filterwarnings("ignore")]
THINKING = (
    "{% for m in messages %}{{ '<user>' + m['content'] + '<end>' }}{% endfor %}{% if add_generation_prompt %}{{ '<assistant>' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ 'no thinking:' }}{% endif %}{% endif %}"
)
AS_IT_IS = ("--template", "{prompt}")
KINDS = {"base": AS_IT_IS, "thinking": ("--chat-template-kwargs", '{"enable_thinking": false}'), "adapter": AS_IT_IS, "gguf": ()}
# A random model writes noise; read as text, every reply is an answer.
SHORT = ("--answer", "text", "--max-tokens", "6")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """{kind: what --model takes}."""
    sys.path.insert(0, str(Path(__file__).parent / "models"))
    from local_models import make_folder, make_tokenizer
    from peft import LoraConfig, get_peft_model
    from test_opening_gguf import make_file
    from transformers import AutoModelForCausalLM

    where = tmp_path_factory.mktemp("kinds")
    made = {"base": make_folder(where / "base", "llama", chat=False), "thinking": make_folder(where / "thinking", "qwen3")}
    tokenizer = make_tokenizer(True)
    tokenizer.chat_template = THINKING
    tokenizer.save_pretrained(made["thinking"])
    module = AutoModelForCausalLM.from_pretrained(made["base"])
    get_peft_model(module, LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")).save_pretrained(
        where / "adapter"
    )
    made |= {"adapter": where / "adapter", "gguf": make_file(where / "tiny.gguf")}
    rows = [{"prompt": f"{a}+{b}=", "answer": str(a + b)} for a in range(1, 9) for b in range(1, 9)]
    (where / "tasks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return {name: str(path) for name, path in made.items()} | {"tasks": str(where / "tasks.jsonl")}


@pytest.mark.parametrize("kind", ["adapter", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("base", "thinking", "gguf"))])
def test_commands(told, folders, kind):
    model, tasks, asked = folders[kind], folders["tasks"], (*KINDS[kind], *SHORT)
    out, _ = told("show-prompt", "--model", model, "--tasks", tasks, *asked)
    assert ("no thinking:" in out) == (kind == "thinking") and "Question:" not in out
    out, _ = told("evaluate", "--model", model, "--tasks", tasks, "--count", 10, *asked, "--json")
    assert json.loads(out.splitlines()[-1])["tasks"] == 10
    small = ("--plan.tasks", 3, "--plan.n", 3, "--steps", 2, "--every", 1, "--held-out-count", 10, "--no-forecast", "--anyway")
    out, _ = told("improve", "ttrl", "--model", model, "--tasks", tasks, *small, *asked, "--out", "run", "--json")
    result = json.loads(out.splitlines()[-1])
    assert result["steps"] == 2 and result["gold_read"]["train"] == 0 and result["answered"]["before"] > 0
    generation = Path("run/generations", json.loads(Path("run/latest.json").read_text())["best"], "policy")
    for sides in (("run",), (model, generation)):
        out, _ = told("gate", *sides, "--tasks", tasks, "--held-out-count", 10, *asked, "--json")
        found = json.loads(out.splitlines()[-1])
        assert found["tasks"] == 10 and found["before"] is not None and found["verdict"]
    out, _ = told("solve", "1+1=", "--model", model, *asked)
    assert out.strip()
    out, _ = told("chat", "run", typed="1+1=\n\n")
    assert "before:" in out and "after:" in out
    out, _ = told("label", "run", "--count", 2, typed="y\nn\n")
    assert out.strip()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_comparing(told, folders, kind):
    small = ("--plan.tasks", 3, "--plan.n", 3, "--budget", 2000, "--seeds", 1, "--held-out-count", 10, "--jobs", 1, "--no-controls")
    asked = (*KINDS[kind], *SHORT)
    out, _ = told("compare", "ttrl", "--model", folders[kind], "--tasks", folders["tasks"], *small, *asked, "--out", "c", "--json")
    assert "ttrl" in out


@pytest.mark.parametrize("kind", [*(pytest.param(kind, marks=pytest.mark.slow) for kind in ("base", "thinking")), "adapter"])
def test_the_callback(folders, tmp_path, kind):
    """What TRL trains: a folder, or a PEFT model; GGUF files it does not open."""
    from datasets import Dataset
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from selftaught.callbacks.trl import GateCallback
    from selftaught.format import Format

    base = folders["base" if kind == "adapter" else kind]
    model, tokenizer = AutoModelForCausalLM.from_pretrained(base), AutoTokenizer.from_pretrained(base)
    if kind == "adapter":
        model = PeftModel.from_pretrained(model, folders["adapter"], is_trainable=True)
    format = Format(
        answer="text", template="auto" if kind == "thinking" else "{prompt}",
        chat_template_kwargs='{"enable_thinking": false}' if kind == "thinking" else "",
    )  # fmt: skip
    gate = GateCallback([folders["tasks"]], held_out_count=6, max_tokens=6, format=format)
    rows = Dataset.from_list([{"prompt": f"{i}*{i}=", "completion": f"{i * i}"} for i in range(8)])
    options = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "report_to": "none", "save_strategy": "no"}
    made = SFTConfig(str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=4, disable_tqdm=True, **options)
    SFTTrainer(model, made, train_dataset=rows, processing_class=tokenizer, callbacks=[gate]).train()
    assert gate.result["tasks"] == 6 and gate.result["verdict"]


def test_python(folders, tmp_path):
    import selftaught

    asked = {"model": folders["base"], "tasks": (folders["tasks"],), "template": "{prompt}", "answer": "text", "max_tokens": 6}
    assert selftaught.evaluate(count=10, **asked)["tasks"] == 10
    assert selftaught.solve("1+1=", **asked)["text"]
    options = {"plan.tasks": 3, "plan.n": 3}
    result = selftaught.improve("ttrl", out=tmp_path / "run", steps=1, held_out_count=10, forecast=False, options=options, **asked)
    assert result["steps"] == 1 and result["verdict"]


def test_no_module_hides_a_function():
    """A package of the same name would take a function's place as soon as something in it is imported."""
    import pkgutil

    import selftaught

    assert not set(selftaught.__all__) & {module.name for module in pkgutil.iter_modules(selftaught.__path__)}
