"""Tensors: PyTorch's own where it is installed, and a class that behaves as they do beside a Value."""

import numpy as np

try:
    import torch
except ImportError:
    torch = None


class Tensor:
    """A tensor of PyTorch, as far as Python's operators and functions of numbers can tell."""

    __array_priority__ = 1000

    def __init__(self, numbers):
        self.array = np.asarray(numbers)
        self.dtype = object()

    @property
    def ndim(self):
        return self.array.ndim

    def item(self):
        if self.array.size != 1:
            raise RuntimeError("a Tensor with several elements cannot be converted to Scalar")
        return self.array.item()

    def __float__(self):
        return float(self.item())

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.array, dtype)

    def __array_wrap__(self, array, *context):
        if array.dtype == object:
            raise TypeError("can't convert np.ndarray of type numpy.object_")
        return Tensor(array)

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        return Tensor(self.array[index])

    def __iter__(self):
        return map(Tensor, self.array)

    def _refuse(self, other):
        return NotImplemented

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = _refuse


TENSORS = {"stand-in": Tensor}
if torch is not None:
    TENSORS["torch"] = torch.tensor
