"""Recipes that learn from whole answers."""
