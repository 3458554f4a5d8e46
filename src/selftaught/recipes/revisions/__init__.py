"""Recipes that revise."""
