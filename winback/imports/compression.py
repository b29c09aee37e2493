"""Plain bytes of a file, whatever its name says: gzip and zstd are told by their magic numbers."""

import gzip
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol
from uuid import uuid4

import zstandard

from winback.imports.errors import UnreadableFile

GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"  # RFC 8878, 3.1.1
LARGEST_PLAIN_BYTES = 8 * 1024**3


@contextmanager
def plain_file(path: Path, scratch: Path) -> Iterator[Path]:
    """The file itself when it is not compressed, else a decompressed copy below `scratch` that is removed afterwards.

    Raises UnreadableFile when the archive is broken or holds more than `LARGEST_PLAIN_BYTES`.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    if not magic.startswith((GZIP_MAGIC, ZSTD_MAGIC)):
        yield path
        return
    plain = scratch / f"plain-{uuid4().hex}"
    try:
        with path.open("rb") as packed, plain.open("wb") as target:
            _unpack(packed, target, is_gzip=magic.startswith(GZIP_MAGIC))
        yield plain
    finally:
        plain.unlink(missing_ok=True)


def _unpack(packed: IO[bytes], target: IO[bytes], *, is_gzip: bool) -> None:
    kind = "gzip" if is_gzip else "zstd"
    try:
        source = (
            gzip.GzipFile(fileobj=packed)
            if is_gzip
            else zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        )
        with source:
            shutil.copyfileobj(_Limited(source), target, 1 << 20)
    except (gzip.BadGzipFile, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise UnreadableFile(f"the file is {kind} but broken: {error}") from error


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class _Limited:
    """A reader that refuses to give more than the largest file we take."""

    def __init__(self, source: _Readable) -> None:
        self._source = source
        self._given = 0

    def read(self, size: int = -1) -> bytes:
        block = self._source.read(size)
        self._given += len(block)
        if self._given > LARGEST_PLAIN_BYTES:
            raise UnreadableFile(f"the file unpacks to more than {LARGEST_PLAIN_BYTES:,} bytes: split it")
        return block
