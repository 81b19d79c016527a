"""How the benchmark shows the comparison with everyone, from made-up figures."""

import math
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parent.parent / "bench"
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
