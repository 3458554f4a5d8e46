"""Recipes that rewrite the program around a model."""
