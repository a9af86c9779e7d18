"""Find the faces in photos, measure who finds them, and cut them out."""
