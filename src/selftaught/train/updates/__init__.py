"""Updates: named weights that follow others."""
