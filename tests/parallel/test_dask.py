"""Dask, where it is installed (the extra dask): its clusters as executors, and its arrays."""

import functools
import os

import numpy as np
import pytest
from support.killer import Killer
from support.needs import needs_kill
from support.recorded_functions import network, points_of, same, same_enough

from megagrad import parallel


@pytest.fixture(scope="module")
def dask_client():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize("outputs", [1, 2])
def test_dask(dask_client, outputs):
    f = network(outputs)
    data = points_of(f, 11 * f.stripe + 3)
    seeds = np.random.default_rng(2).normal(size=f(data).shape)
    with dask_client.get_executor() as executor:
        assert same(parallel.vjp(f, data, executor, seeds=seeds, chunks=8), f.vjp(data, seeds))


def test_dask_backward_with_equal_chunks(dask_client):
    f, twin = network(), network()
    data = np.ones((4 * f.stripe, 2))
    with dask_client.get_executor() as executor:
        for _ in range(2):
            outputs = parallel.backward(f, data, executor, chunks=4)
            assert np.array_equal(outputs, twin.backward(data))
    assert [p.grad for p in f.parameters] == [p.grad for p in twin.parameters]


@needs_kill
def test_a_killed_dask_worker(dask_client, long_work):
    f, data, expected = long_work
    dask_client.wait_for_workers(2)
    pids = list(dask_client.run(os.getpid).values())
    assert len(pids) == 2
    killer = Killer(pids[:1])
    with dask_client.get_executor() as executor:
        with killer:
            results = parallel.vjp(f, data, executor, chunks=16)
        assert killer.was_in_time
        assert same_enough(results, expected)


def test_a_client_is_no_executor(dask_client):
    with pytest.raises(TypeError, match=r"get_executor\(\)"):
        parallel.vjp(network(), np.zeros((5, 2)), dask_client)


@pytest.mark.parametrize("where", ["threads", "workers"])
def test_blocks_of_a_dask_array(where, request):
    da = pytest.importorskip("dask.array")
    get = "synchronous"
    if where == "workers":
        get = request.getfixturevalue("dask_client")
    f, g = network(), network(3)
    data = points_of(f, 1000)
    x = da.from_array(data, chunks=(300, 2))
    params = [p.data for p in f.parameters]
    blocks = functools.partial(da.map_blocks, dtype=float, threads=1)
    for lazy, expected in [
        (blocks(f, x, drop_axis=1), f(data)),
        (blocks(f, x, drop_axis=1, params=params), f(data)),
        (blocks(f.jacobian, x), f.jacobian(data)),
        (blocks(g, x, chunks=(x.chunks[0], 3)), g(data)),
    ]:
        assert lazy.shape == expected.shape
        assert np.array_equal(lazy.compute(scheduler=get), expected)


def test_blocks_know_when_parameters_have_changed():
    da = pytest.importorskip("dask.array")
    f = network()
    x = da.from_array(points_of(f, 10))
    before = da.map_blocks(f, x, dtype=float, drop_axis=1)
    again = da.map_blocks(f, x, dtype=float, drop_axis=1)
    f.parameters[0].data += 1
    after = da.map_blocks(f, x, dtype=float, drop_axis=1)
    assert before.name == again.name != after.name
