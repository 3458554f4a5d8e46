"""Scores become streams over items, which losses read."""
