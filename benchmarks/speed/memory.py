"""Memory of this process, by Linux: what it holds now, and the most it held since the mark was reset."""

from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def status(name: str) -> int:
    """A line of /proc/self/status in bytes."""
    found = next(line for line in STATUS.read_text().splitlines() if line.startswith(name + ":"))
    return int(found.split()[1]) * 1024


def rss() -> int:
    """Bytes resident now."""
    return status("VmRSS")


def peak() -> int:
    """Most bytes resident since the last `reset_peak`."""
    return status("VmHWM")


def reset_peak() -> None:
    """Begin a new high-water mark."""
    CLEAR.write_text("5")
