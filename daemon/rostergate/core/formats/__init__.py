"""Formats, one per file."""
