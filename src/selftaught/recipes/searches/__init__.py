"""Recipes that search."""
