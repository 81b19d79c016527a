"""Writing files whole or not at all."""

import errno
import os
import uuid
from contextlib import suppress
from pathlib import Path

__all__ = ["write"]


def write(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file; one that is there is replaced when the new one is complete.

    path: the file; what is no regular file, and what is below ``/dev`` or ``/proc``, such as
    ``/dev/stdout``, is opened and written to. Raises OSError if it cannot be written; nothing has
    changed then, but for those.
    """
    if os.path.basename(path) in ("", "."):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if _is_device(Path(path)):
        Path(path).write_bytes(content)
        return
    target = _behind_links(path)
    draft = target.with_name(f".{uuid.uuid4().hex}")
    try:
        with draft.open("xb") as file:
            file.write(content)
        if target.exists():
            draft.chmod(target.stat().st_mode)
        draft.replace(target)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink()
        if isinstance(error, OSError):  # of the draft, of which no one else knows
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise


def _is_device(path: Path) -> bool:
    """Tell whether there is something that a new file must not take the place of."""
    return path.absolute().parts[:2] in (("/", "dev"), ("/", "proc")) or (
        path.exists() and not path.is_file()
    )


def _behind_links(path: str | os.PathLike[str]) -> Path:
    """Return what a link leads to, which is to be replaced; raise OSError for links in a circle."""
    try:
        return Path(os.path.realpath(path, strict=True))
    except FileNotFoundError:
        return Path(os.path.realpath(path))
