"""An exponential moving average, number by number."""


def averaged_state(teacher, student, decay):
    """What the teacher's state_dict has to be after one update; neither module is touched."""
    result = {}
    before, source = teacher.state_dict(), student.state_dict()
    for name, value in before.items():
        new = value.clone()
        for index in range(value.numel()):
            old, now = value.reshape(-1)[index], source[name].reshape(-1)[index]
            if value.dtype.is_floating_point:
                new.view(-1)[index] = decay * old.double() + (1 - decay) * now.double()
            else:
                new.view(-1)[index] = now
        result[name] = new
    return result
