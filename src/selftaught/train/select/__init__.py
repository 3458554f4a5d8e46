"""Which groups go on to credit. No score is altered."""

from selftaught.train.select.majority import Majority
from selftaught.train.select.signal import Signal

__all__ = ["Majority", "Signal"]
