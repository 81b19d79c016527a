"""Batches of data sets, and what goes into them."""

import copy
import doctest
import math
import pickle
import random
from collections import namedtuple

import numpy as np
import pytest
from support.processes import printed

import megagrad
from megagrad import Value, data, datasets
from megagrad.data import DataLoader

Point = namedtuple("Point", "x label")
PAIRS = [(float(i), i % 2) for i in range(10)]


class Squares:
    """A data set that is no list: it has a length and [], and takes no slices."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return float([0, 1, 4, 9, 16][index])


def plain(batch):
    """A batch with lists in place of arrays."""
    if isinstance(batch, np.ndarray):
        return batch.tolist()
    if isinstance(batch, dict):
        return {key: plain(part) for key, part in batch.items()}
    if isinstance(batch, Point):
        return Point(*map(plain, batch))
    return [plain(part) for part in batch] if isinstance(batch, list) else batch


@pytest.mark.parametrize(
    ("batch_size", "drop_last", "sizes"),
    [
        (1, False, [1] * 10),
        (4, False, [4, 4, 2]),
        (4, True, [4, 4]),
        (5, False, [5, 5]),
        (5, True, [5, 5]),
        (10, True, [10]),
        (11, False, [10]),
        (11, True, []),
        (10**30, False, [10]),
    ],
)
@pytest.mark.parametrize("shuffle", [False, True])
def test_sizes_of_batches(batch_size, drop_last, sizes, shuffle):
    loader = DataLoader(PAIRS, batch_size, shuffle, drop_last=drop_last)
    assert len(loader) == len(sizes)
    batches = list(loader)
    assert [(len(x), len(y)) for x, y in batches] == [(size, size) for size in sizes]
    drawn = [x for xs, _ in batches for x in xs]
    if not drop_last:
        assert sorted(drawn) == [x for x, _ in PAIRS]
    assert len(set(drawn)) == sum(sizes)
    assert shuffle or drawn == [x for x, _ in PAIRS][: sum(sizes)]


def test_a_long_data_set_is_not_listed():
    loader = DataLoader(range(2**40), batch_size=2)
    assert next(iter(loader)).tolist() == [0, 1]
    assert len(loader) == 2**39


def test_one_entry_at_a_time_by_default():
    assert [plain(batch) for batch in DataLoader(Squares())] == [[0.0], [1.0], [4.0], [9.0], [16.0]]
    assert list(DataLoader([])) == list(DataLoader([], shuffle=True)) == []


def test_pairs_stay_together():
    for xs, ys in DataLoader(PAIRS, batch_size=3, shuffle=True):
        assert [x % 2 for x in xs] == ys.tolist()


def test_points_of_an_array_are_rows():
    points = np.arange(12.0).reshape(6, 2)
    loader = DataLoader(list(zip(points, range(6), strict=True)), batch_size=4)
    (x, y), (rest, _) = loader
    assert np.array_equal(x, points[:4])
    assert np.array_equal(rest, points[4:])
    assert y.tolist() == [0, 1, 2, 3]
    assert [batch.shape for batch in DataLoader(points, batch_size=4)] == [(4, 2), (2, 2)]


def orders(loader, passes=2):
    return [np.concatenate(list(loader)).tolist() for _ in range(passes)]


def test_a_seed_decides_the_order():
    loader = DataLoader(range(50), batch_size=8, shuffle=True)
    random.seed(3)
    first = orders(loader)
    random.seed(3)
    assert orders(loader) == first
    assert first[0] != first[1]
    assert first[0] != list(range(50))


@pytest.mark.parametrize("generator", [random.Random, np.random.default_rng])
def test_a_generator_decides_the_order(generator):
    def loader(seed):
        return DataLoader(range(50), batch_size=8, shuffle=True, generator=generator(seed))

    state = random.getstate()
    first = loader(3)
    other = copy.deepcopy(first)
    third = pickle.loads(pickle.dumps(first))
    drawn = orders(first)
    assert drawn == orders(other) == orders(third) == orders(loader(3))
    assert drawn != orders(loader(4))
    assert random.getstate() == state


def test_a_batch_made_by_hand():
    loader = DataLoader([[1.0], [2.0, 3.0]], batch_size=2, collate_fn=lambda entries: entries)
    assert list(loader) == [[[1.0], [2.0, 3.0]]]


def collated(batch):
    (whole,) = DataLoader(batch, batch_size=len(batch))
    return whole


BATCHES = [
    [1, 2],
    [1.5, 2],
    [True, False],
    ["a", "bc"],
    [b"a", b"bc"],
    [(1.0, 2), (3.0, 4)],
    [[1.0, 2], [3.0, 4]],
    [((1.0, 2.0), 1), ((3.0, 4.0), 0)],
    [([1.0, 2.0], "a"), ([3.0, 4.0], "b")],
    [(), ()],
    [{"x": 1.5, "label": 1}, {"x": 2.5, "label": 0}],
    [Point((1.5, 2.5), 1), Point((3.5, 4.5), 0)],
    [np.array([1.0, 2.0]), np.array([3.0, 4.0])],
    [(np.ones((2, 3)), 1), (np.zeros((2, 3)), 0)],
    [np.array(1.5), np.array(2.5)],
    [np.float32(1.5), np.float32(2.5)],
    [np.int8(1), np.int8(2)],
    [math.inf, -0.5],
]
COLLATED = [
    [1, 2],
    [1.5, 2.0],
    [True, False],
    ["a", "bc"],
    [b"a", b"bc"],
    [[1.0, 3.0], [2, 4]],
    [[1.0, 3.0], [2, 4]],
    [[[1.0, 3.0], [2.0, 4.0]], [1, 0]],
    [[[1.0, 3.0], [2.0, 4.0]], ("a", "b")],
    [],
    {"x": [1.5, 2.5], "label": [1, 0]},
    Point([[1.5, 3.5], [2.5, 4.5]], [1, 0]),
    [[1.0, 2.0], [3.0, 4.0]],
    [[[[1.0] * 3] * 2, [[0.0] * 3] * 2], [1, 0]],
    [1.5, 2.5],
    [1.5, 2.5],
    [1, 2],
    [math.inf, -0.5],
]


@pytest.mark.parametrize(("batch", "expected"), list(zip(BATCHES, COLLATED, strict=True)), ids=str)
def test_what_a_batch_is(batch, expected):
    made = plain(collated(batch))
    assert made == expected
    assert type(made) is type(expected)


def in_numpy(batch):
    """A batch of PyTorch's, with arrays in place of tensors."""
    if hasattr(batch, "numpy"):
        return batch.numpy()
    if isinstance(batch, dict):
        return {key: in_numpy(part) for key, part in batch.items()}
    if isinstance(batch, Point):
        return Point(*map(in_numpy, batch))
    return [in_numpy(part) for part in batch] if isinstance(batch, list) else batch


def leaves(batch):
    if isinstance(batch, dict):
        batch = list(batch.values())
    return (
        [x for part in batch for x in leaves(part)] if isinstance(batch, list | Point) else [batch]
    )


@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_pytorch_makes_the_same_batch(batch):
    torch_data = pytest.importorskip("torch.utils.data")
    ours, theirs = collated(batch), in_numpy(torch_data.default_collate(batch))
    assert plain(ours) == plain(theirs)
    assert type(ours) is type(theirs)
    kinds = [[getattr(leaf, "dtype", None) for leaf in leaves(each)] for each in (ours, theirs)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(
    ("batch_size", "drop_last"), [(1, False), (3, False), (3, True), (20, True)]
)
def test_pytorch_goes_through_it_in_the_same_batches(batch_size, drop_last):
    torch_data = pytest.importorskip("torch.utils.data")
    ours = DataLoader(PAIRS, batch_size, drop_last=drop_last)
    theirs = torch_data.DataLoader(PAIRS, batch_size, drop_last=drop_last)
    assert len(ours) == len(theirs)
    assert [plain(batch) for batch in ours] == [plain(in_numpy(batch)) for batch in theirs]


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ([None, None], TypeError, "must have numbers or arrays of them, not 'NoneType'"),
        ([Value(1.0)], TypeError, "must have numbers or arrays of them, not 'Value'"),
        ([1.0, "a"], TypeError, "must have numbers"),
        ([1.0, None], TypeError, "must have numbers"),
        ([{1.0}], TypeError, "not 'set'"),
        ([np.array(["a"])], TypeError, "not 'ndarray'"),
        ([(1.0, 2.0), (1.0,)], ValueError, "must have equal lengths"),
        ([[1.0], [1.0, 2.0]], ValueError, "must have equal lengths"),
        ([np.ones(2), np.ones(3)], ValueError, "must have equal shapes"),
        ([1.0, np.ones(3)], ValueError, "must have equal shapes"),
        ([{"x": 1}, {"y": 1}], KeyError, "x"),
    ],
    ids=str,
)
def test_wrong_entries(batch, error, message):
    with pytest.raises(error, match=message):
        collated(batch)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"dataset": (x for x in PAIRS)},
            TypeError,
            r"a length and \[\], as a list, not be 'generator'",
        ),
        ({"dataset": 3}, TypeError, "not be 'int'"),
        ({"dataset": {1.0, 2.0}}, TypeError, "not be 'set'"),
        ({"dataset": {"x": [1.0]}}, TypeError, "not be 'dict'"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"batch_size": 2.0}, TypeError, "batch_size must be an integer, not 'float'"),
        ({"batch_size": None}, TypeError, "batch_size must be an integer, not 'NoneType'"),
        ({"generator": 3}, TypeError, r"generator must be as random.Random\(1\) is, not 'int'"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        DataLoader(**{"dataset": PAIRS, **arguments})


def test_a_network_learns_from_batches():
    random.seed(1)
    points, labels = datasets.moons(60, seed=1)
    pairs = list(zip(np.array(points), labels, strict=True))
    model = megagrad.nn.MLP(2, [8, 1], activation="tanh")
    optimizer = megagrad.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(20):
        for x, y in DataLoader(pairs, batch_size=16, shuffle=True):
            loss = megagrad.functional.hinge([model(point) for point in x], y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    right = sum((model(point).data > 0) == (label > 0) for point, label in pairs)
    assert right >= 57


def test_the_example():
    results = doctest.testmod(data)
    assert results.attempted == 2
    assert results.failed == 0


def test_it_is_imported_when_asked_for():
    code = (
        "import sys, megagrad; print('megagrad.data' in sys.modules)\n"
        "print(megagrad.data.DataLoader.__name__)"
    )
    assert printed(code) == ["False", "DataLoader"]
