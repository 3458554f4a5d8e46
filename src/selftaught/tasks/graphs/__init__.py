"""Graphs as tasks without words."""
