"""`selftaught report`: a run as one offline page."""

from dataclasses import dataclass
from pathlib import Path

import tyro

from selftaught.shown import tell


@dataclass(kw_only=True)
class Options:
    """Write a run's report: one HTML file that needs no network.

    Attributes:
        run: a run folder.
        open: show it in a browser.
        json: print one JSON line.
    """

    run: tyro.conf.Positional[str]
    open: bool = False
    json: bool = False


def run(options: Options) -> int:
    """Write the page and say where it is."""
    from selftaught.cli import emit
    from selftaught.report import write_report

    page = write_report(Path(options.run)).resolve()
    tell(page, error=options.json)
    if options.open:
        import webbrowser

        webbrowser.open(page.as_uri())
    if options.json:
        emit({"report": str(page)})
    return 0
