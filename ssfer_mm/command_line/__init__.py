"""Command lines: their options, what they print, and how a tool ends."""
