"""Files: what Function.load and megagrad.load may be given."""

import io
import os
import struct
import tempfile
import zipfile
from pathlib import Path

import megagrad
from fuzz.expectations import check_function, refused
from fuzz.stream import Stream
from megagrad import Function

FUNCTION_FILE_REFUSALS = {
    ValueError: [
        r"^not a saved (Function|program of this version): .+",
        r"^no valid program: .+",
        r"^the program has \d+ outputs",
    ]
}
STATE_FILE_REFUSALS = {ValueError: [r"^'.+' is not a saved state: .+"]}


def checksum(data: bytes) -> int:
    """FNV-1a, as files of Functions end with it."""
    found = 0xCBF29CE484222325
    for byte in data:
        found = (found ^ byte) * 0x100000001B3 % 2**64
    return found


def sealed(data: bytes) -> bytes:
    return data + struct.pack("<Q", checksum(data))


def path_of(content: bytes) -> Path:
    folder = Path("/dev/shm") if os.path.isdir("/dev/shm") else None
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        file.write(content)
    return Path(file.name)


def function_file(data: bytes) -> None:
    """As it is; or behind its checksum; or behind that of the program within, too."""
    stream = Stream(data)
    kind = stream.below(4)
    if kind == 0:
        content = stream.rest()
    elif kind == 1:
        content = sealed(stream.rest())
    else:
        flag, parameters = stream.take(1), stream.take(8 * stream.below(32))
        program = sealed(stream.rest())
        size = len(program) + (stream.below(256) - 128 if kind == 3 else 0)
        content = sealed(program + flag + parameters + struct.pack("<q", size))
    path = path_of(content)
    made: list[Function] = []
    try:
        if not refused(FUNCTION_FILE_REFUSALS, lambda: made.append(Function.load(path))):
            check_function(made[0])
    finally:
        path.unlink()


def array_file(stream: Stream) -> bytes:
    """What may be a member of an .npz: a header that says anything, and any content."""
    dtype = stream.one_of(
        ["<U1", "<U4", "<U0", "<f8", ">f8", "<f4", "|O", "|S3", "<c16", "|V0", "x"]
    )
    sizes = [
        stream.one_of([0, 1, 2, 3, -1, 7, 10**6, 10**12, 2**62]) for _ in range(stream.below(3))
    ]
    order = stream.one_of(["False", "True", "1"])
    header = f"{{'descr': {dtype!r}, 'fortran_order': {order}, 'shape': {tuple(sizes)}, }}".encode()
    if stream.below(8) == 7:
        header = stream.take(stream.below(64))
    header = header.ljust(117) + b"\n"
    return (
        b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + stream.take(stream.below(80))
    )


def state_file(data: bytes) -> None:
    """As it is; or a zip file of what the bytes say."""
    stream = Stream(data)
    if stream.below(2) == 0:
        content = stream.rest()
    else:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
            for name in ("names.npy", "data.npy", "more.npy")[: stream.one_of([2, 2, 1, 3, 0])]:
                file.writestr(name, array_file(stream))
        content = buffer.getvalue()
    path = path_of(content)
    try:
        if refused(STATE_FILE_REFUSALS, lambda: megagrad.load(path)):
            return
        state = megagrad.load(path)
        assert all(type(name) is str and type(number) is float for name, number in state.items())
    finally:
        path.unlink()
