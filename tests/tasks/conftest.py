"""What the task tests share."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("SELFTAUGHT_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


@pytest.fixture
def gsm8k() -> Path:
    """The folder of GSM8K, where it is present."""
    folder = DATA / "gsm8k"
    if not (folder / "train.jsonl").exists():
        pytest.skip("gsm8k is not here: set SELFTAUGHT_DATA")
    return folder
