"""Trained networks as files for other programs, and under other names."""
