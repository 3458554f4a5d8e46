"""What looks at a run while it goes, without answers, and says what is wrong."""
