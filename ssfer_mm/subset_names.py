"""Names of the parts of data that command lines offer, before anything heavy is imported."""

# Whom SynthFER draws; no two pools share a person.
POOLS = ('pretrain', 'train', 'test')
# Of the face crops that the face detector is trained on.
CROP_PARTS = ('train', 'held_out')
# The datasets of a config.
CONFIG_SUBSETS = ('train', 'val', 'test')
