"""One offline HTML file for a run, and one for a comparison of recipes."""

from selftaught.report.comparison import write_comparison
from selftaught.report.page import write_report

__all__ = ["write_comparison", "write_report"]
