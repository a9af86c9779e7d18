"""Files of weights as models: what they are, how to build them, their cards, and their names."""
