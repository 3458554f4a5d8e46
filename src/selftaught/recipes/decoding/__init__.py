"""Recipes that change nothing and answer better."""
