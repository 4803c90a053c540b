"""Lines and bytes of a data file, plain or .gz; every defect is named by file and line."""

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from dstilts.core.errors import UserError

# A line of more characters is no example of any task here but a damaged file.
LONGEST_LINE = 1_000_000


def read_lines(path: Path, *, may_be_empty: bool = False) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 text file with their numbers from 1, without line ends.

    A byte order mark is dropped and CRLF is a line end. Other characters that some libraries break
    lines at (U+2028, U+0085) stay part of the text.

    Raises:
        UserError: the file is missing, empty, cut off (.gz), not UTF-8, or a line holds a NUL
            character or is longer than `LONGEST_LINE`.
    """
    number = 0
    with opened(path) as stream:
        for number, raw in enumerate(stream, start=1):
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                problem = f"not UTF-8 (byte {error.start} of the line)"
                raise UserError(problem, file=path, line=number) from None
            if "\0" in line:
                raise UserError("a NUL character in the text", file=path, line=number)
            if len(line) > LONGEST_LINE:
                raise UserError(f"a line of {len(line)} characters", file=path, line=number)
            yield number, line
    if not number and not may_be_empty:
        raise UserError("the file is empty", file=path)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked where its name ends in .gz.

    Raises:
        UserError: the file is missing, cannot be read, or is no whole gzip file; also where that
            is found only while reading.
    """
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            yield cast(BinaryIO, stream)
    except FileNotFoundError:
        raise UserError("no such file", file=path) from None
    except IsADirectoryError:
        raise UserError("is a folder, not a file", file=path) from None
    except PermissionError:
        raise UserError("may not be read", file=path, remedy="change its permissions") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"broken gzip file: {error}", file=path, remedy="copy it again") from None
