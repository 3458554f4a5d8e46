"""The six verbs over rows of a table."""
