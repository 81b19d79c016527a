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


def big_figures(works, engines):
    return {
        work.name: {engine.name: 9.87e-3 * 9**i for i, engine in enumerate(engines)}
        for work in works
    }


def test_every_table_fits_a_terminal(capsys):
    import recorded
    import report
    import standings
    from engines import ENGINES
    from everyone import TITLES, Standing
    from field import FIELD
    from targets import TARGETS
    from workloads import WORKLOADS

    figures = big_figures(WORKLOADS, ENGINES)
    report.show_table(report._heading(), report._rows(WORKLOADS, figures), markdown=False)
    verdicts = report.verdicts(TARGETS, figures)
    report.show_table(["target", "limit", "measured", ""], verdicts, markdown=False, left=2)
    everyone = [work for work in WORKLOADS if work.name in TITLES]
    standing = Standing(figures=big_figures(everyone, FIELD))
    heading = ["", "written as", *(f"{TITLES[w.name]}\n{w.unit}" for w in everyone)]
    standings.show_table(heading, standings.rows(everyone, standing), markdown=False, left=2)
    figures = big_figures(recorded.WORKS, recorded.FIELD)
    heading = ["", *(engine.name for engine in recorded.FIELD)]
    rows = recorded.rows(recorded.WORKS, recorded.FIELD, figures)
    recorded.show_table(heading, rows, markdown=False)
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "…" not in printed
    words = {word for row in (*rows, *verdicts) for cell in row for word in cell.split()}
    assert words <= set(printed.split())


def test_a_wide_table_goes_on_below_and_repeats_its_titles(capsys):
    from tables import show_table

    show_table(["", *"abcdefg"], [["row", *(f"{i:020}" for i in range(7))]], markdown=False)
    printed = capsys.readouterr().out
    assert printed.count("row ") == 3
    assert [int(word) for word in printed.split() if word.isdigit()] == [*range(7)]


def test_no_time_is_negative():
    from report import cell, verdicts
    from targets import Target
    from timing import figure

    assert figure([-3e-9, -1e-9, 2e-9]) == 0
    assert figure([1.0, 3.0, 2.0]) == 2
    assert cell({"megagrad": 0.0, "other": 1e-9}, "other", "megagrad", 1e9) == "1.00"
    assert verdicts([Target("a", lambda _: 1 / 0, at_most=1)], {}) == []


def test_what_runs_is_said_where_there_is_no_terminal(capsys):
    import runpy

    watched = runpy.run_path(str(BENCH / "__main__.py"))["watched"]
    seen = []
    for workload in watched(moons(), "measuring"):
        seen.append(workload.name)
        assert capsys.readouterr().err == f"measuring 1 of 1: {workload.title}\n"
    assert seen == ["moons"]


def test_a_number_is_read_set_and_updated_alike_by_all_engines():
    from check import differences, outcomes
    from engines import ENGINES
    from workloads import WORKLOADS

    works = [work for work in WORKLOADS if work.name in ("read", "write", "update")]
    for work in works:
        computed = outcomes(work, ENGINES)
        assert len(computed) > 1
        assert differences(work, computed) == []
        assert work.sampler(ENGINES[0])() < 1
    assert len(works) == 3


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
        ["network, 100 points, µs", "8.00", "200 (25.0x)", "-"],
        ["10,000 ops, a point at a time, ns an op", "15.0", "-", "-"],
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


def test_programs_as_people_write_them_print_the_same_losses():
    import subprocess
    import sys

    # The convolutional one needs scikit-learn.
    names = ["fork", "scalar_gpt", "lstm", "checkpoint"]
    command = [sys.executable, str(BENCH / "programs"), "--check", "--only", *names]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split(": equal losses")[0] for line in lines] == names
