"""Intervals, tests and metrics over arrays: nothing here knows a model or a run."""
