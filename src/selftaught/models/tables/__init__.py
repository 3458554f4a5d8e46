"""The seven verbs over rows of a table."""
