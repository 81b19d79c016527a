"""Bytes as a row of choices: what a fuzzer changes a byte of becomes another argument."""

import struct
from collections.abc import Sequence
from typing import Any


class Stream:
    """Hands out what the bytes say; when they are used up, always the first choice."""

    def __init__(self, data: bytes) -> None:
        self._data, self._next = data, 0

    def __bool__(self) -> bool:
        return self._next < len(self._data)

    def take(self, count: int) -> bytes:
        taken = self._data[self._next : self._next + count]
        self._next += count
        return taken

    def rest(self) -> bytes:
        return self.take(len(self._data))

    def below(self, count: int) -> int:
        return int.from_bytes(self.take(1), "little") % count

    def one_of(self, choices: Sequence[Any]) -> Any:
        return choices[self.below(len(choices))]

    def number(self) -> float:
        if self.below(4) > 0:
            return (self.below(256) - 128) / 16
        return struct.unpack("<d", self.take(8).ljust(8, b"\0"))[0]
