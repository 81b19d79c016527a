"""Running a program as ``python PROGRAM`` does."""

import builtins
import os
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from pkgutil import get_importer
from types import CodeType, ModuleType, TracebackType
from typing import Any, NamedTuple

__all__ = ["run"]


class Program(NamedTuple):
    """A program's code, what ``__main__`` has to be for it, and where its own modules are."""

    code: CodeType
    attributes: dict[str, Any]
    import_path: list[str]


def run(path: str, arguments: list[str]) -> None:
    """Run the program at a path: a file, or a folder or zip file with a ``__main__.py``.

    arguments: what the program finds in ``sys.argv`` after its own path. Everything that it
    raises reaches the caller, SystemExit too; tracebacks that the interpreter then prints begin in
    the program. Its caller's frames stay below its own, for ``traceback.print_stack()``, and for a
    warning whose ``stacklevel`` leads out of it. If there is no program, says so on stderr and
    raises SystemExit.
    """
    # It stays in sys.modules: threads, exit handlers and pickles look for it there.
    main = ModuleType("__main__")
    location = os.path.join(os.getcwd(), path)
    try:
        program = _bundle(location) if get_importer(location) else _file(location)
        sys.argv = [path, *arguments]
        sys.path[: 0 if sys.flags.safe_path else 1] = program.import_path
        vars(main).update(program.attributes, __builtins__=builtins)
        sys.modules["__main__"] = main
        exec(program.code, vars(main))  # noqa: S102
    except SystemExit:
        raise
    except BaseException:
        _begin_tracebacks_in(main)
        raise


def _file(location: str) -> Program:
    try:
        with open(location, "rb") as file:
            source = file.read()
    except OSError as error:
        reason = f"[Errno {error.errno}] {error.strerror}"
        print(f"megagrad: can't open file {location!r}: {reason}", file=sys.stderr)
        raise SystemExit(2) from None
    attributes = {
        "__file__": location,
        "__loader__": SourceFileLoader("__main__", location),
    }
    return Program(
        compile(source, location, "exec", dont_inherit=True),
        attributes | _cached(None),
        [] if sys.flags.safe_path else [os.path.dirname(os.path.realpath(location))],
    )


def _bundle(location: str) -> Program:
    spec = PathFinder.find_spec("__main__", [location])
    # A folder without a __main__.py may have a namespace package of that name, without a loader.
    loader: Any = spec and spec.loader
    if spec is None or loader is None:
        print(f"megagrad: can't find '__main__' module in {location!r}", file=sys.stderr)
        raise SystemExit(1)
    attributes = {
        "__file__": spec.origin,
        "__loader__": loader,
        "__spec__": spec,
        "__package__": "",
    }
    return Program(loader.get_code("__main__"), attributes | _cached(spec.cached), [location])


def _cached(file: str | None) -> dict[str, Any]:
    """Return the attribute for where a module's bytecode is; newer Pythons have done away with it."""
    return {"__cached__": file} if hasattr(sys.modules["__main__"], "__cached__") else {}


def _begin_tracebacks_in(main: ModuleType) -> None:
    """Have the interpreter leave out the frames that led to the program."""
    show = sys.excepthook

    def show_from_main(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        sys.excepthook = show  # which does not keep the program's globals alive
        while trace is not None and trace.tb_frame.f_globals is not vars(main):
            trace = trace.tb_next
        error.__traceback__ = trace
        show(kind, error, trace)

    sys.excepthook = show_from_main
