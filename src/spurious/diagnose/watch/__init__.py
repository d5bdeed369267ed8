"""Follows a training loop and raises findings as they appear."""
