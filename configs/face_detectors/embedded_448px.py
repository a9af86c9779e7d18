# The detector of the package at twice its side in pixels: finds faces half as large, for instance
# in photos of groups, in about twice the time.
detector = dict(type='EmbeddedFaceDetector', input_size=448)
