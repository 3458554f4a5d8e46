"""Recipes side by side at equal budgets, and claims put to the test."""
