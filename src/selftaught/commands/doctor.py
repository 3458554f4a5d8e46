"""`selftaught doctor`: what this machine has, and whether everything works."""

from dataclasses import dataclass

from selftaught.shown import tell


@dataclass(kw_only=True)
class Options:
    """Check this machine."""


def run(options: Options) -> int:
    """Check this machine; exit code 1 when something needed is missing."""
    from selftaught.describe import examine

    ok = True
    for name, good, note in examine():
        tell(f"{'ok ' if good else 'NO '} {name}: {note}")
        ok = ok and good
    return 0 if ok else 1
