"""Writing files whole or not at all."""

import os
import uuid
from contextlib import suppress
from pathlib import Path

__all__ = ["write"]


def write(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file; one that is there is replaced when the new one is complete.

    path: the file; what is no regular file, such as ``/dev/stdout``, is written to. Raises OSError
    if it cannot be written, and then nothing has changed.
    """
    target = Path(os.path.realpath(path))  # not the link that leads to it
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
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
