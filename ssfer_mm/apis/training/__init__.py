"""Train, go on, compare and test: from a config to a recognizer and its figures."""
