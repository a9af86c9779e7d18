# The detector of the package at twice its side in pixels: finds smaller faces, for instance in
# photos of groups, and takes longer.
detector = dict(type='EmbeddedFaceDetector', input_size=448)
