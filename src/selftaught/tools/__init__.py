"""Tools that a model may call while it answers."""

from selftaught.tools.program import Program as Program
from selftaught.tools.search import Search as Search
