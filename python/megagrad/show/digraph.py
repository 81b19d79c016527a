"""Graphviz's Digraph, for machines with and without Graphviz's program."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import graphviz

__all__ = ["Digraph", "GraphvizNotFound"]


class GraphvizNotFound(graphviz.ExecutableNotFound):  # type: ignore[misc]
    """The program that places nodes is not there; the message says how to install it."""

    def __init__(self) -> None:
        """Take no arguments: there is one thing to say."""
        RuntimeError.__init__(
            self,
            "Graphviz's program 'dot' is not installed, or not on the PATH. Install Graphviz: "
            "apt install graphviz (Debian, Ubuntu), brew install graphviz (macOS), "
            "winget install graphviz (Windows), conda install graphviz. "
            "The drawing's DOT text needs no program: it is the attribute 'source'.",
        )


class Digraph(graphviz.Digraph):  # type: ignore[misc]
    """A ``graphviz.Digraph`` that says what to do where Graphviz's program is missing.

    summary: what it says instead of showing a graph that is too large; else ``''``.
    """

    summary = ""

    def pipe(self, *args: Any, **options: Any) -> Any:
        """Return the picture as bytes; as ``graphviz.Digraph.pipe``.

        Raises GraphvizNotFound, a ``graphviz.ExecutableNotFound``, if the program is missing.
        """
        with _told_how_to_install():
            return super().pipe(*args, **options)

    def render(self, *args: Any, **options: Any) -> str:
        """Write the picture to a file; as ``graphviz.Digraph.render``.

        Raises GraphvizNotFound, a ``graphviz.ExecutableNotFound``, if the program is missing.
        """
        with _told_how_to_install():
            path: str = super().render(*args, **options)
            return path

    def _repr_mimebundle_(
        self,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        **options: Any,
    ) -> dict[str, bytes | str]:
        """Show the picture in a notebook, or else its DOT text."""
        try:
            bundle: dict[str, bytes | str] = super()._repr_mimebundle_(include, exclude, **options)
            return bundle
        except GraphvizNotFound as error:
            return {"text/plain": f"{error}\n\n{self.source}"}


@contextmanager
def _told_how_to_install() -> Iterator[None]:
    try:
        yield
    except graphviz.ExecutableNotFound:
        raise GraphvizNotFound from None
