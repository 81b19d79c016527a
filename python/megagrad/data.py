"""Batches of a data set, with the interface of PyTorch's ``torch.utils.data``."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from megagrad._checks import kind, whole_number

__all__ = ["DataLoader"]


class DataLoader:
    """Goes through a data set in batches.

    dataset: has a length and ``[]``, as an array or a list of pairs does. batch_size: at least 1.
    shuffle: draw a new order each time. drop_last: leave out a last batch that is not full.
    collate_fn: makes a batch of a list of entries. Without one, numbers or arrays become an array,
    and strings stay a list; tuples, lists or dicts of these become a list or dict, with a batch for
    each place or key. generator: a ``random.Random`` or NumPy's Generator, which draws the orders;
    without one Python's own does, and ``random.seed`` decides.

    >>> loader = DataLoader(list(zip(np.eye(3), [1, -1, 1])), batch_size=2)
    >>> [(x.shape, y.tolist()) for x, y in loader]
    [((2, 3), [1, -1]), ((1, 3), [1])]

    Raises TypeError for wrong arguments, and for entries such as Values without a collate_fn, and
    ValueError for a batch_size below 1, and for entries of a batch whose shapes or lengths differ.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        drop_last: bool = False,
        generator: random.Random | np.random.Generator | None = None,
    ) -> None:
        """See the class."""
        if isinstance(dataset, Mapping) or not hasattr(dataset, "__getitem__"):
            raise TypeError(f"dataset must have a length and [], as a list, not be {kind(dataset)}")
        if not isinstance(generator, random.Random | np.random.Generator | None):
            raise TypeError(f"generator must be as random.Random(1) is, not {kind(generator)}")
        self.dataset, self.batch_size = dataset, whole_number("batch_size", batch_size, 1)
        self.shuffle, self.drop_last, self.generator = bool(shuffle), bool(drop_last), generator
        self.collate_fn = _collate if collate_fn is None else collate_fn

    def __len__(self) -> int:
        """Return the number of batches."""
        spare = 0 if self.drop_last else self.batch_size - 1
        return (len(self.dataset) + spare) // self.batch_size

    def __iter__(self) -> Iterator[Any]:
        """Return an iterator over the batches."""
        order: Sequence[int] = range(len(self.dataset))
        if self.shuffle:
            (self.generator or random).shuffle(order := list(order))
        for first in range(0, len(self) * self.batch_size, self.batch_size):
            yield self.collate_fn([self.dataset[i] for i in order[first : first + self.batch_size]])


def _collate(batch: Sequence[Any]) -> Any:
    if isinstance(first := batch[0], str | bytes):
        return batch
    if isinstance(first, Mapping):
        return {key: _collate([entry[key] for entry in batch]) for key in first}
    if isinstance(first, tuple | list):
        if any(len(entry) != len(first) for entry in batch):
            raise ValueError("the dataset's entries must have equal lengths")
        places = [_collate(place) for place in zip(*batch, strict=True)]
        return type(first)(*places) if hasattr(first, "_fields") else places
    try:
        array = np.array(batch)
    except ValueError as error:
        raise ValueError("the dataset's entries must have equal shapes") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"the dataset must have numbers or arrays of them, not {kind(first)}")
    return array
