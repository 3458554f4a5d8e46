"""Options that cannot be meant: out of range, not a number, contradictory, without effect, unknown; of every command."""

import pytest
from refusals import cases, names

SMALL = "--model scripted --tasks sums:level=2 --held-out-count 10 --no-forecast"
TTRL = f"improve ttrl {SMALL} --steps 1"
FREE = "improve ttrl --model scripted --tasks sums:level=2 --steps 1"
TASKS = "improve ttrl --model scripted --steps 1 --tasks"
GATE = "gate scripted scripted --tasks sums:level=2 --held-out-count 10"
FILES = "gate scores.jsonl scores.jsonl"
EVALUATE = "evaluate --model scripted --tasks sums:level=2"
PROMPT = "show-prompt --model scripted --tasks sums:level=2"
SOLVE = "solve 1+1 --model scripted"
COMPARE = "compare ttrl --model scripted --tasks sums:level=2"

TABLE = {
    TTRL: {
        "--held-out-count 0": "held-out-count", "--held-out-count -3": "held-out-count", "--held-out-count nan": "held-out-count",
        "--temperature nan": "temperature", "--temperature inf": "temperature", "--temperature -1": "temperature",
        "--temperature -inf": "temperature", "--temperature warm": "temperature",
        "--max-tokens -3": "max_tokens", "--max-tokens 1.5": "max-tokens", "--audit -3": "audit", "--audit x": "audit",
        "--steps 0": "steps", "--steps -1": "steps", "--steps 100000000000": "steps", "--steps 1.5": "steps", "--steps nan": "steps",
        "--rounds 0": "rounds", "--rounds -1": "rounds", "--every 0": "every", "--every -1": "every", "--grow 3": "grow",
        "--seed 999999999999999999999": "seed", "--seed -1": "seed", "--seed 1.5": "seed", "--evaluation-seed -1": "evaluation_seed",
        "--budget nan": "budget", "--budget -5": "budget", "--budget five": "budget", "--budget 0": "budget", "--budget inf": "budget",
        "--budget 1M,2M": "twice", "--budget 1Mcalls5": "budget", "--budget 0s": "budget", "--budget ''": "budget",
        "--explore none": "explore", "--explore nowhere": "explore", "--explore vote": "explore", "--explore sample:n=1,n=2": "twice",
        "--explore sample:n": "n=VALUE", "--explore sample:m=3": "'m'", "--plan.n 0": "n=0", "--plan.n -4": "n=-4",
        "--plan.n many": "plan.n", "--plan.n 1.5": "plan.n", "--plan.n nan": "plan.n", "--plan.n": "plan.n",
        "--plan.n 1000000000": "attempts", "--plan.tasks -1": "tasks", "--plan.tasks 0": "tasks",
        "--plan.temperature inf": "temperature", "--plan.temperature -1": "temperature", "--plan.temperature nan": "temperature",
        "--read sample": "read", "--read.vote.min_share nan": "min_share", "--read.vote.min_share 2": "min_share",
        "--read.vote.min_share -1": "min_share",
        "--credit none": "credit", "--credit.scale huge": "scale", "--credit.by_view maybe": "by_view",
        "--loss none": "loss", "--loss.clip nan": "clip", "--loss.clip -1": "clip", "--loss.clip_high -1": "clip_high",
        "--loss.kl -1": "kl", "--loss.kl inf": "kl", "--loss.per word": "per", "--loss.max_tokens -1": "max_tokens",
        "--loss.importance everything": "importance", "--weight nan": "weight", "--weight inf": "weight",
        "--optimizer.lr inf": "lr", "--optimizer.lr nan": "lr", "--optimizer.lr -1": "lr", "--optimizer.lr much": "lr",
        "--optimizer.betas 0.9": "betas", "--optimizer.betas 0.9+2": "betas", "--optimizer.betas nan+nan": "betas",
        "--optimizer.weight_decay nan": "weight_decay", "--optimizer.weight_decay -1": "weight_decay",
        "--optimizer.max_norm 0": "max_norm", "--optimizer.max_norm nan": "max_norm", "--optimizer.max_norm -1": "max_norm",
        "--optimizer.epochs 0": "epochs", "--optimizer.epochs -1": "epochs", "--optimizer.minibatches 0": "minibatches",
        "--optimizer.warmup -1": "warmup", "--optimizer.decay -1": "decay", "--updates nobody": "updates", "--start nowhere": "start",
        "--gate full --no-gate": "--no-gate", "--gate maybe": "gate", "--no-gate --require-gain": "--require-gain",
        "--gate off --require-gain": "--require-gain", "--template 'no place'": "template",
        "--answer '(unclosed'": "answer", "--answer 'no group'": "answer", "--answer '(a+)+$(b)(c)'": "answer",
        "--chat-template-kwargs [1]": "chat_template_kwargs", "--chat-template-kwargs '{oops'": "chat_template_kwargs",
        "--engine warp": "engine", "--engine vllm": "engine", "--engine vllm:x": "x=VALUE", "--without sleep": "sleep",
        "--adapter rank": "adapter", "--resumee": "resume", "--nope 3": "nope", "--stepps 3": "steps",
        "--out there.jsonl": "there.jsonl", "--out there.jsonl/below": "there.jsonl", f"--out {'x' * 300}": "--out",
        "--out taken": "taken", "--out 'a\0b'": "out", "star": "star",
        "--off-task nothing": "nothing", "--held-out nothing.jsonl": "nothing.jsonl", "--stop ''": "stop",
    },
    FREE: {
        "--gate-share 0": "gate-share", "--gate-share nan": "gate-share", "--gate-share inf": "gate-share", "--gate-share -1": "gate-share",
        "--gate-share 0.1 --held-out-count 9": "held-out-count", "--gate-share 0.1 --no-gate": "gate-share",
        "--no-gate --off-task chain:level=2": "off-task",
    },
    "improve ttrl": {
        "--resume": "--out", "--model scripted --tasks sums:level=2,level=3": "twice",
    },
    "improve": {
        "t-jepa --tasks sums:level=2 --no-gate": "t-jepa", f"ttlr {SMALL}": "ttrl", f"b-star/golf {SMALL}": "gold",
        f"ttrl star {SMALL}": "star", f"ttrl/ {SMALL}": "ttrl", f"'' {SMALL}": "recipe",
        "t-jepa --model scripted --no-gate": "--loss", "t-jepa --engine vllm --no-gate": "engine",
    },
    TASKS: {
        "sums:level=x": "level", "sums:level=-1": "level", "sums:level=nan": "level", "sums:level=999": "level",
        "sums:terms=100000": "terms",
        "sums:terms=0": "terms", "sums:digits=-1": "digits", "summs:level=2": "sums", "sums:levl=2": "level", "''": "tasks",
        "sums:level": "level", "sort:items=0": "items", "gym:": "gym",
        "game:": "game", "tables:nope": "tables", "hub:": "hub", "org/none": "org/none", "./nowhere": "nowhere", "sums:=3": "sums",
    },
    GATE: {
        "--spent -5": "spent", "--margin nan": "margin", "--margin 0": "margin", "--margin inf": "margin",
        "--held-out-count 0": "held-out-count",
        "--full --attempts 2": "--attempts", "--attempts -1": "attempts", "--attempts 99999999": "attempts",
        "--temperature nan": "temperature",
        "--temperature -1": "temperature", "--max-tokens -1": "max", "--evaluation-seed -1": "evaluation", "--engine warp": "engine",
        "--template x": "template", "--answer '('": "answer", "--chat-template-kwargs 3": "chat_template_kwargs",
        "--missing wrong": "missing",
        "--common": "--common", "--same": "--same", "--lower-is-better": "--lower-is-better", "--best-base scores.jsonl": "best",
        "--out there.jsonl": "there.jsonl", "--off-task none.jsonl": "none.jsonl", "--missing never": "missing", "--nope": "nope",
        "third": "third", "--stop ''": "stop",
    },
    "gate": {
        "": "what the candidate must beat", "scripted": "CANDIDATE", "nowhere nowhere2": "nowhere", "./nowhere scripted": "nowhere",
        "scripted scripted --tasks none.jsonl": "none.jsonl",
        "scripted scores.jsonl": "score",
    },
    FILES: {
        "--margin nan": "--margin", "--margin -1": "--margin", "--tasks sums": "--tasks", "--held-out-count 5": "--held-out-count",
        "--evaluation-seed 2": "--evaluation-seed", "--engine vllm": "--engine", "--temperature 0.5": "--temperature",
        "--max-tokens 5": "--max-tokens",
        "--off-task sums": "--off-task", "--full": "--full", "--spent 3": "--spent", "--out x": "--out", "--template chat": "--template",
        "--system x": "--system", "--answer text": "--answer", "--stop x": "--stop", "--chat-template-kwargs {}": "--chat-template-kwargs",
        "--attempts 4": "--attempts", "--best-base scores.jsonl": "--best-candidate", "--common --missing wrong": "--missing",
    },
    EVALUATE: {
        "--count 0": "count", "--count -2": "count", "--count many": "count", "--temperature nan": "temperature",
        "--max-tokens -1": "max_tokens",
        "--seed -1": "seed", "--engine warp": "engine", "--template x": "template", "--answer '('": "answer", "--nope 1": "nope",
        "--chat-template-kwargs 1": "chat_template_kwargs", "--stop ''": "stop", "extra": "extra",
    },
    "evaluate": {"--model ./nowhere --tasks sums": "nowhere", "--model scripted --tasks none.jsonl": "none.jsonl", "--modle scripted": "model"},
    "measure pass-1 --model scripted --tasks sums:level=2": {
        "--count 0": "count", "--count many": "count", "--max-tokens -1": "max_tokens", "--out nowhere/page.html": "--out", "--nope 1": "nope",
        "extra": "extra",
    },
    "measure": {
        "": "name", "pass-2": "pass-1", "pass-1:n=0": "n=0", "pass-1:m=3": "'m'", "vote:k=many": "vote.k", "pass-1 --model ./nowhere": "nowhere",
        "pass-1 --model scripted --tasks none.jsonl": "none.jsonl", "probe": "run", "exploitability": "--tasks",
        "exploitability --tasks game:chess": "chess", "vote --model scores.jsonl": "scores.jsonl",
        "pass-1 --model scores.jsonl --tasks sums": "--tasks", "pass-1 --model empty": "empty",
    },
    PROMPT: {"--temperature inf": "temperature", "--adapter rank": "adapter", "--max-tokens -1": "max_tokens", "--nope": "nope"},
    "show-prompt": {"--model ./nowhere": "nowhere", "--model scripted --tasks none.jsonl": "none.jsonl"},
    "solve": {"": "question", "''": "question", "'  \n'": "question", "x --model ./nowhere": "nowhere"},
    SOLVE: {
        "--with nope": "nope", "--with t-jepa": "--loss", "--temperature nan": "temperature", "--max-tokens -1": "max_tokens",
        "--seed -1": "seed",
        "--engine warp": "engine", "more": "more", "--answer '('": "answer", "--stop ''": "stop",
    },
    "chat": {"": "run", "nowhere": "nowhere", "there.jsonl": "there.jsonl", "empty": "empty", "taken other": "other"},
    "label": {"": "run", "nowhere": "nowhere", "empty": "empty", "there.jsonl": "there.jsonl", "taken --count -1": "count", "taken --count x": "count"},
    "report": {"": "run", "nowhere": "nowhere", "empty": "empty", "there.jsonl": "there.jsonl", "empty --nope": "nope"},
    "show": {"": "name", "nope": "nope", "''": "known", "ttrl star": "star", "vot": "vote"},
    "list": {"": "recipes, parts or tasks", "nope": "nope", "recepies": "recipes", "recipes parts": "parts"},
    "doctor": {"--nope": "nope", "now": "now"},
    COMPARE: {
        "--seeds 0": "--seeds", "--seeds -1": "--seeds", "--seeds 1 -2": "--seeds", "--seeds x": "seeds", "--jobs -1": "--jobs",
        "--budget nan": "budget",
        "--budget 0": "budget", "--budget 90s": "budget", "--budget 5calls": "budget", "--equal flops": "--budget",
        "--equal time": "equal", "--steps 3": "--budget",
        "--held-out-count 0": "held-out-count", "--evaluation-seed -1": "evaluation_seed", "--temperature nan": "temperature",
        "--max-tokens -1": "max_tokens",
        "--template x": "template", "--answer '('": "answer", "--adapter rank": "adapter", "--out there.jsonl": "there.jsonl",
        "--write nowhere/table.json": "--write",
        "--nope.n 3": "nope", "--plan.n 0": "n=0", "--chat-template-kwargs 3": "chat_template_kwargs", "--stop ''": "stop",
    },
    "compare": {
        "": "recipe", "--model scripted": "recipe", "ttlr --model scripted": "ttrl", "'ttrl without nothing' --model scripted": "nothing",
        "ttrl --model ./nowhere": "nowhere", "ttrl --model scripted --tasks none.jsonl": "none.jsonl", "--claims nope": "nope",
        "--claims ttrl --seeds 3": "--seeds", "ttrl --carry": "--carry",
    },
    "": {"nope": "nope", "imprve": "improve", "--nope": "--nope"},
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with a file, an empty folder, and one of the user's that is no run."""
    place = tmp_path_factory.mktemp("options")
    (place / "there.jsonl").write_text('{"prompt": "1+1", "answer": "2"}\n')
    (place / "scores.jsonl").write_text("".join(f'{{"task": "{i}", "score": {i % 2}}}\n' for i in range(30)))
    for name in ("empty", "taken"):
        (place / name).mkdir()
    (place / "taken" / "notes.txt").write_text("mine")
    return place


@pytest.mark.parametrize(("words", "named"), cases(TABLE))
def test_what_cannot_be_meant_is_refused(refused, words, named):
    line = refused(words)
    assert names(line, named), line
