"""The verbs over any torch network that says what it takes and gives."""
