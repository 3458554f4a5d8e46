"""Small inputs that users' files and folders are like, where the folder that holds them is there: what each command says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(os.environ.get("SELFTAUGHT_CASES", Path(__file__).parents[1] / "../shared/cases"))
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not FOLDER.is_dir(), reason="the folder of cases is not here")]
EVALUATE = ("evaluate", "--max-tokens", "4")
# (folder, command, exit code, what it says)
CASES = (
    ("01-math-verify-hang", (*EVALUATE, "--model", "tower", "--tasks", "tower.jsonl", "--count", "10"), 0, r"0\.0% sampled"),
    ("02-checkpoint-keys-do-not-match", ("gate", "ans_compiled", "ans", "--tasks", "plain42.jsonl", "--held-out-count", "20",
     "--max-tokens", "4"), 2, "ans_compiled"),
    ("03-adapter-keys-do-not-match", ("gate", "pb", "pa_wrong", "--tasks", "plain42.jsonl", "--held-out-count", "20", "--max-tokens", "4"),
     2, "pa_wrong"),
    ("07-operators-are-not-words", (*EVALUATE, "--model", "ans", "--tasks", "quad400.jsonl", "--count", "100"), 0, r"on [78]\d tasks"),
    ("08-gym-full-stop", (*EVALUATE, "--model", "yes_says", "--tasks", "gym:syllogism", "--count", "40"), 0, r"75\.0% sampled"),
    *(("09-last-mark-is-not-taken", (*EVALUATE, "--model", "ans", "--tasks", f"{name}.jsonl", "--count", "10"), 0, r"100\.0% sampled")
      for name in ("boxhash", "think", "bold", "minus")),
    ("10-gold-is-a-whole-solution", (*EVALUATE, "--model", "ans", "--tasks", "math_long.jsonl,prompt=problem,answer=solution", "--count",
     "10"), 0, r"100\.0% sampled"),
    ("11-gold-is-no-text", (*EVALUATE, "--model", "ans", "--tasks", "verl.parquet,answer=reward_model", "--count", "10"), (0, 2),
     r"100\.0% sampled|reward_model\.ground_truth"),
    ("12-one-side-errored", ("gate", "err_base.eval", "err_cand.eval", "--require-gain"), 2, "40 of 100 tasks"),
    ("14-two-tasks-are-a-gain", ("gate", "two_b.jsonl", "two_c.jsonl", "--require-gain"), 3, "(?i)can't tell"),
    ("15-inspect-zstd", ("gate", "z_base.eval", "z_cand.eval"), 0, "33.3% to 73.3%"),
    ("17-lm-eval-old-and-group", ("gate", "v042_base.jsonl", "v042_cand.jsonl"), 0, "80 tasks"),
    ("18-token-without-embedding", (*EVALUATE, "--model", "narrow", "--tasks", "tooltok.jsonl", "--count", "10"), 2, "narrow"),
    ("22-prompt-longer-than-context", (*EVALUATE, "--model", "ans", "--tasks", "longq.jsonl", "--count", "20"), 2, "do not fit"),
    ("23-prompt-shapes", (*EVALUATE, "--model", "ans", "--tasks", "parts.jsonl", "--count", "10"), 0, r"100\.0% sampled"),
    ("23-prompt-shapes", (*EVALUATE, "--model", "ans", "--tasks", "bom.jsonl", "--count", "10"), 0, r"100\.0% sampled"),
    ("23-prompt-shapes", (*EVALUATE, "--model", "ans", "--tasks", "csvdata.csv", "--count", "10"), 0, r"100\.0% sampled"),
    ("23-prompt-shapes", (*EVALUATE, "--model", "ans", "--tasks", "messages.jsonl", "--count", "10"), 2, "messages"),
)  # fmt: skip


@pytest.mark.parametrize(("case", "words", "code", "said"), CASES)
def test_a_case(case, words, code, said, tmp_path):
    folder = tmp_path / case
    shutil.copytree(FOLDER / case, folder)
    for config in folder.glob("*/adapter_config.json"):
        config.write_text(config.read_text().replace("BASE", str(folder)))
    done = subprocess.run([sys.executable, "-m", "selftaught", *words], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode in (code if isinstance(code, tuple) else (code,)), done.stderr[-800:]
    assert re.search(said, done.stdout + done.stderr), (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    if done.returncode == 2:
        assert done.stderr.splitlines()[-1].startswith("selftaught: ")
