"""Recipes that learn features."""
