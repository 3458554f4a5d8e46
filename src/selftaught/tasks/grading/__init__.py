"""Checkers and comparison of answers, each in a process that can be killed."""
