"""One offline HTML file for a run, one for a comparison of recipes, one for a measure."""

from selftaught.report.comparison import write_comparison
from selftaught.report.measure import write_measure
from selftaught.report.page import write_report

__all__ = ["write_comparison", "write_measure", "write_report"]
