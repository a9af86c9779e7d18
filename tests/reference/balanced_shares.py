"""How often a class should come, from the worth of its images."""


def expected_slots(classes, length, balance):
    """{class: slots on average}; an image of a class with n images is worth n ** -balance."""
    worth = [classes.count(name) ** -balance for name in classes]
    total = sum(worth)
    return {name: length * sum(w for w, other in zip(worth, classes) if other == name) / total
            for name in set(classes)}
