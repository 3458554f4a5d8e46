"""Recipes that play."""
