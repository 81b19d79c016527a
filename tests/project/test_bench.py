"""How the benchmark shows its comparisons, from made-up figures, and what it asks engines for."""

import math

import pytest
from support.places import ROOT

BENCH = ROOT / "bench"
pytest.importorskip("rich")
pytest.importorskip("micrograd")
if not BENCH.exists():
    pytest.skip("needs the whole checkout", allow_module_level=True)


@pytest.fixture(autouse=True)
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCH))


def standing():
    from everyone import Standing
    from peers.process import Refusal

    figures = {"moons": {"micrograd": 1.2, "micrograd, gc off": 0.12, "megagrad": 0.004}}
    refusals = {"micrograd": {"add": Refusal("it is tired", known=True)}}
    return Standing(refusals=refusals, figures=figures)


def moons():
    from workloads import WORKLOADS

    return [workload for workload in WORKLOADS if workload.name == "moons"]


def test_a_row_has_the_time_and_both_ratios():
    from standings import rows

    first = rows(moons(), standing())[0]
    assert first == ["megagrad", "scalars, own nn", "4.00\n300 / 30.0"]


def test_what_is_left_out_is_listed_with_the_reason():
    from standings import inabilities

    assert "micrograd: it is tired (a + b)" in [*inabilities(standing())]


def test_only_what_no_adapter_knows_of_is_a_fault():
    from peers.process import Refusal

    result = standing()
    assert result.faults() == []
    result.refusals["micrograd"]["moons"] = Refusal("crashed")
    assert result.faults() == ["moons: micrograd: crashed"]


def test_the_picture_is_small_and_the_same_every_time(tmp_path):
    pytest.importorskip("matplotlib")
    from bars import Bar, draw, save

    bars = [
        Bar("megagrad", 0.004, True, True),
        Bar("micrograd", 1.2, True),
        Bar("JAX", 1e-4, False),
    ]
    for name in ("a.svg", "b.svg"):
        save(draw(bars, 1.2, "title", "note"), tmp_path / name)
    text = (tmp_path / "a.svg").read_bytes()
    assert text == (tmp_path / "b.svg").read_bytes()
    assert b"<svg" in text
    assert len(text) < 100_000


def test_a_crash_of_an_engine_is_a_refusal_and_not_the_end():
    from field import MEGAGRAD
    from peers.process import Asked, Refusal

    engine = Asked(MEGAGRAD)
    [workload] = moons()
    try:
        first = engine.outcome(workload)
        sample = engine.sampler(workload)
        assert sample() > 0
        engine._process.kill()
        assert math.isnan(sample())
        assert engine.outcome(workload) == first
        engine._process.kill()
        with pytest.raises(Refusal, match="SIGKILL"):
            engine.outcome(workload)
    finally:
        engine.stop()


# Recorded programs.


def test_recorded_rows_have_figures_in_their_unit_and_ratios():
    from recorded import FUNCTION, JAX, PYTORCH, WORKS, rows

    figures = {"moons-100": {"Function": 8e-6, "PyTorch": 2e-4}, "random": {"Function": 1.5e-4}}
    works = [work for work in WORKS if work.name in figures]
    assert rows(works, [FUNCTION, PYTORCH, JAX], figures) == [
        ["network, 100 points", "µs", "8.00", "200 (25.0x)", "-"],
        ["10,000 ops, a point at a time", "ns an op", "15.0", "-", "-"],
    ]


def test_recorded_targets_hold_or_fall_short_or_are_left_out():
    from recorded import LIMIT, TARGETS
    from report import verdicts

    figures = {"moons-100000": {"Function": 6e-3}, LIMIT: {"machine": 1e-3}}
    [limit] = verdicts(TARGETS, figures)
    assert limit[1:] == ["at most 4", "6.00", "FALLS SHORT"]
    figures[LIMIT]["machine"] = 3e-3
    assert verdicts(TARGETS, figures)[0][2:] == ["2.00", "holds"]


@pytest.mark.parametrize("adapter", ["function", "threads", "values", "micrograd"])
def test_adapters_record_what_the_table_asks_for(adapter):
    from importlib import import_module

    from recorded import WORKS

    names = {work.name for work in WORKS}
    recorded = import_module(f"peers.recorded_{adapter}").PEER.recorded.keys()
    assert recorded <= names
    if adapter in ("function", "values"):
        assert recorded == names


def test_the_random_program_has_as_many_ops_as_it_says():
    from peers.recorded_function import program
    from random_program import OPS

    from megagrad import Function

    for ops in (1000, OPS, 3 * OPS):
        counts = Function(*program(ops)).counts
        assert counts["recorded"] == ops
        assert counts["dropped"] == 0


def test_engines_that_record_are_asked_like_the_others():
    from everyone import check
    from peers.process import asked
    from recorded import FUNCTION, MICROGRAD, THREADS, VALUE, WORKS

    works = [work for work in WORKS if work.name in ("expression", "moons-100")]
    with asked([FUNCTION, THREADS, VALUE, MICROGRAD]) as engines:
        standing = check(works, engines, lambda works, _: works, VALUE)
        assert standing.faults() == []
        assert [e.entrant for e in standing.able["moons-100"]] == [e.entrant for e in engines]
        assert standing.refusals[THREADS.name]["expression"].known
        assert engines[0].sampler(works[1])() > 0


def test_the_processors_limit_is_measured():
    from fma_limit import BACKWARD, FORWARD, multiply_adds

    from megagrad import nn

    weights = sum(
        len(neuron.w) for layer in nn.MLP(2, [16, 16, 1]).layers for neuron in layer.neurons
    )
    assert weights == FORWARD < BACKWARD < 2 * FORWARD
    measured = multiply_adds()
    if measured is None:
        pytest.skip("needs a C++ compiler and the checkout")
    assert measured > 1e8
