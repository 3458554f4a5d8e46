"""Families of reasoning-gym."""
