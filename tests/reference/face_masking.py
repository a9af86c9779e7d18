"""Which weight lies on a patch, one patch at a time."""


def weight_of_patch(row, column, box, view, grid, mask_map):
    """The map's weight at the center of a patch; its lowest one outside the face."""
    lowest = min(min(weights) for weights in mask_map)
    down, across = place_of_patch(row, column, box, view, grid, mask_map)
    if not (0 <= down < len(mask_map) and 0 <= across < len(mask_map[0])):  # also where NaN
        return lowest
    return mask_map[int(down)][int(across)]


def place_of_patch(row, column, box, view, grid, mask_map):
    """Where the center of a patch lies in the map, in cells from its top and left."""
    y = (row + .5) * view[0] / grid[0]
    x = (column + .5) * view[1] / grid[1]
    x1, y1, x2, y2 = box
    return (y - y1) / (y2 - y1) * len(mask_map), (x - x1) / (x2 - x1) * len(mask_map[0])
