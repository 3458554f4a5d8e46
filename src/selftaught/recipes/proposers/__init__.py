"""Models that write their own tasks."""
