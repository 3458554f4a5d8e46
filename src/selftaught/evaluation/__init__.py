"""Measures a model, and decides whether a difference between two is real."""
