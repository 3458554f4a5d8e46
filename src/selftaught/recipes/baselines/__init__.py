"""Recipes that others are held against."""
