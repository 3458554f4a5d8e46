"""What a run says while it goes on."""

from selftaught.commands.progress import Progress


def test_time_left_is_said_once_a_step_has_been_timed(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("selftaught.commands.progress.time.monotonic", lambda: now[0])
    progress = Progress(budget=9000)
    for step in (4, 5, 6):
        progress.step({"step": step, "of": 10, "spent": 1000 * step, "generation": 1, "reward": 0.5})
        now[0] += 6.0
    first, second, third = capsys.readouterr().err.splitlines()
    assert "step 4/10 · 4k of 9k tokens" in first and not first.endswith("left")
    assert second.endswith("30s left") and third.endswith("24s left")
