"""What is wrong with the images, labels and boxes of a training: facts, checks, findings."""
