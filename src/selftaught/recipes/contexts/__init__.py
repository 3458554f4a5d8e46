"""Recipes that turn what is read or said once into weights."""
