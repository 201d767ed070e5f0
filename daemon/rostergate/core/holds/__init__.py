"""Holds, one per file."""
