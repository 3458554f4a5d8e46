"""The journal: every bit kept, whole waves or none, whatever a record was torn at."""

from dataclasses import replace

import numpy as np
import pytest

from selftaught.payloads.rows import Rows
from selftaught.run.journal import Journal, decode, encode, waves
from selftaught.types import Attempt, Message, SamplerSettings, Tokens

LOGPROBS = np.float32([0, -0.1, -1e-30])
TOKENS = Tokens(ids=np.arange(3, dtype=np.int32), sampled=np.array([False, True, True]), logprobs=LOGPROBS)
TALK = (Message("user", 'ü "@" \n'), Message("tool", ""))
ATTEMPT = Attempt(id="a", task="t", payload=TOKENS, messages=TALK, parents=("b",), fork=2, settings=SamplerSettings(stop=(" ",)))


def same(one, other):
    """Equal in type, shape and every bit."""
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    return type(one) is type(other) and one == other


def arrays(payload):
    return (payload.ids, payload.sampled, payload.logprobs)


@pytest.mark.parametrize(
    "tokens",
    [
        TOKENS,
        replace(TOKENS, ids=np.zeros(0, np.int32), sampled=np.zeros(0, bool), logprobs=np.zeros(0, np.float32)),
        # Not the types that are logged as one: the same, by the entries of single arrays.
        replace(TOKENS, ids=np.arange(3)),
        replace(TOKENS, logprobs=LOGPROBS.astype(np.float64)),
        replace(TOKENS, ids=np.arange(6, dtype=np.int32)[::2], logprobs=np.float32([0, 1, 2, 3, 4, 5])[::-2]),
    ],
)
def test_every_bit_of_an_attempt_comes_back(tokens):
    [back, again] = decode(encode([replace(ATTEMPT, payload=tokens), ATTEMPT]))
    for found, kept in ((back.payload, tokens), (again.payload, TOKENS)):
        assert all(same(one, other) for one, other in zip(arrays(found), arrays(kept), strict=True))
        found.ids[:] = 0
    assert repr(replace(back, payload=None)) == repr(replace(ATTEMPT, payload=None)) and type(back.messages[0]) is Message


def test_other_replies_come_back():
    rows = Rows(values=np.ones((2, 3), np.float32), mask=np.eye(2, 3, dtype=bool))
    reply = {
        "logprobs": LOGPROBS,
        "hidden": np.zeros((2, 0, 4), np.float16),
        "none": None,
        "rows": rows,
        "grades": [[1.0, ""], [float("nan"), "x"]],
    }
    back = decode(encode(reply))
    assert all(same(back[name], reply[name]) for name in ("logprobs", "hidden")) and back["none"] is None
    assert same(back["rows"].values, rows.values) and same(back["rows"].mask, rows.mask)
    assert repr(back["grades"]) == repr(reply["grades"])
    with pytest.raises(TypeError, match="a reply may not hold a set"):
        encode([{1}])


def log(path, count):
    journal = Journal(path)
    sizes = []
    for i in range(count):
        journal.append("sample", [f"{i}/a", f"{i}/b"], [[ATTEMPT], []])
        sizes.append(path.stat().st_size)
    journal.close()
    return sizes


def test_a_record_torn_anywhere_is_dropped_and_the_others_stay(tmp_path):
    path = tmp_path / "journal.bin"
    _, second, third = log(path, 3)
    whole = path.read_bytes()
    for size in range(second, third):
        path.write_bytes(whole[:size])
        journal = Journal(path)
        assert journal.replay("sample", ["2/a", "2/b"]) is None
        [attempts, none] = journal.replay("sample", ["1/a", "1/b"])
        assert attempts[0].id == "a" and none == [] and path.stat().st_size == second
        journal.append("sample", ["2/a", "2/b"], [[ATTEMPT], []])
        journal.close()
        assert path.read_bytes() == whole


def test_waves_reads_a_file_in_order(tmp_path):
    log(tmp_path / "journal.bin", 3)
    found = list(waves(tmp_path / "journal.bin"))
    assert [wave["keys"] for wave in found] == [[f"{i}/a", f"{i}/b"] for i in range(3)]
    assert {wave["kind"] for wave in found} == {"sample"} and found[2]["replies"][0][0].messages == TALK
