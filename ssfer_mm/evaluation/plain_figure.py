"""What a metric of any library gives, as a file can hold it."""


def plain_figure(value: object) -> object:
    """Tensors and arrays, which metrics of other libraries give, as numbers and lists."""
    if isinstance(value, (list, tuple)):
        return [plain_figure(item) for item in value]
    return value.tolist() if hasattr(value, 'tolist') else value
