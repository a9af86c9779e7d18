"""Which weight lies on a patch, one patch at a time."""
import math


def weight_of_patch(row, column, box, view, grid, mask_map):
    """The map's weight at the center of a patch; its lowest one outside the face."""
    lowest = min(min(weights) for weights in mask_map)
    y = (row + .5) * view[0] / grid[0]
    x = (column + .5) * view[1] / grid[1]
    x1, y1, x2, y2 = box
    if any(math.isnan(edge) for edge in box) or not (x1 <= x < x2 and y1 <= y < y2):
        return lowest
    across, down = (x - x1) / (x2 - x1), (y - y1) / (y2 - y1)
    return mask_map[int(down * len(mask_map))][int(across * len(mask_map[0]))]
