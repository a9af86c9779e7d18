"""What a training is to see: which images, whether they are sound, split, packed, and drawn."""
