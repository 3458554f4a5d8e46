"""Recipes that make a judge."""
