from .kernels import device, real


@device
def normal_at(row, column, step, stage, key_0, key_1):
    return real(0)
