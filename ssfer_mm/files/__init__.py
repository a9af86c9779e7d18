"""Files that survive a crash, and fingerprints of files."""
