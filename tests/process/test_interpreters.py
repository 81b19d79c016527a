"""Sub-interpreters are refused, whichever way they are made; the main one may import again."""

import sys

import pytest
from support.needs import FREE_THREADED
from support.processes import printed, run

CREATE = {
    "isolated": "interpreters.create()",
    "legacy": "interpreters.create('legacy')"
    if sys.version_info >= (3, 13)
    else "interpreters.create(isolated=False)",
}
MODULE = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"

pytest.importorskip(MODULE)

# Python itself says it of isolated ones from 3.12 on.
REFUSED = "works in the main interpreter only|does not support loading in subinterpreters"


@pytest.mark.parametrize("kind", CREATE)
@pytest.mark.parametrize("before", ["", "import megagrad.engine"], ids=["first", "second"])
def test_a_sub_interpreter_refuses_and_the_main_one_works(kind, before):
    program = f"""
        import re, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        import {MODULE} as interpreters
        {before}
        other = {CREATE[kind]}
        trial = '''if True:
            for _ in range(3):
                try:
                    import megagrad
                except ImportError as error:
                    text = str(error)
                else:
                    raise AssertionError("imported")
            import re
            assert re.search({REFUSED!r}, text), text
            assert "megagrad._core" in text
            '''
        failure = interpreters.run_string(other, trial)
        assert failure is None, failure.errdisplay
        interpreters.destroy(other)
        from megagrad import Value, record
        x = Value(3.0)
        y = (x * 2).tanh() + x
        y.backward()
        print(record(lambda x: x * 2, 1)([4.0]), type(x * x) is Value)
        """
    assert printed(program) == ["8.0", "True"]


def test_every_call_of_concurrent_interpreters_fails_with_an_import_error():
    pytest.importorskip("concurrent.interpreters")
    program = """
        from concurrent import interpreters
        other = interpreters.create()
        try:
            other.exec("import megagrad")
        except interpreters.ExecutionFailed as error:
            print(error.excinfo.type.__name__, "megagrad._core" in error.excinfo.msg)
        other.close()
        import megagrad
        """
    assert printed(program) == ["ImportError", "True"]


@pytest.mark.parametrize(
    "again",
    [
        "importlib.reload(megagrad._core)",
        "del sys.modules['megagrad._core']; import megagrad._core",
        "[sys.modules.pop(name) for name in list(sys.modules) if name.startswith('megagrad')]",
    ],
    ids=["reload", "core", "all"],
)
def test_imported_again_the_engine_is_the_same(again):
    program = f"""
        import importlib, sys
        import megagrad
        from megagrad import Value
        x = Value(3.0)
        y = x * x
        {again}
        import megagrad
        z = y * megagrad.Value(2.0) + x
        z.backward()
        print(megagrad.Value is Value, x.grad)
        """
    assert printed(program) == ["True", "13.0"]


@pytest.mark.skipif(not FREE_THREADED, reason="needs a free-threaded Python")
def test_a_free_threaded_python_stays_without_its_lock():
    check = "import sys, megagrad; print(sys._is_gil_enabled())"
    code, output, errors = run(check)
    assert (code, output.split(), errors) == (0, ["False"], "")
    assert printed(check, "-X", "gil=1") == ["True"]
