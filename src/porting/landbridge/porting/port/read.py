"""Files to port: found in folders, decoded, and read as scripts or notebooks."""

from __future__ import annotations

import io
import os
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from landbridge.errors import LandbridgeError
from landbridge.porting.port.notebooks import Notebook, NotebookError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["LARGEST", "Document", "ReadError", "find_files", "read_document"]

LARGEST = 20_000_000  # bytes; notebooks with pictures have several megabytes
_LARGEST_CODE = 2_000_000  # characters of code

_SUFFIXES = frozenset({".py", ".pyw", ".ipynb"})
_SKIPPED = frozenset({
    "__pycache__", "node_modules", "site-packages", "build", "dist", ".ipynb_checkpoints", "venv", "env",
})  # fmt: skip


class ReadError(LandbridgeError, ValueError):
    """A file can't be read as a script or notebook."""


@dataclass(frozen=True, slots=True)
class Document:
    """Script or notebook: its code as one text.

    Attributes
    ----------
    path : Path
        File.
    text : str
        Code.
    encoding : str
        Encoding of the file; "utf-8-sig" if it begins with a byte order mark.
    notebook : Notebook, optional
        The notebook that the code is of.
    """

    path: Path
    text: str
    encoding: str = "utf-8"
    notebook: Notebook | None = None


def find_files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield the scripts and notebooks of files and folders, each once.

    Folders of installed packages, of caches and with a name that begins with a dot are left out. Links to
    folders are not followed, so that a circle of links ends.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        for file in _below(path):
            try:
                status = file.stat()
            except OSError:
                yield file  # reading it tells why
                continue
            if (status.st_dev, status.st_ino) not in seen:
                seen.add((status.st_dev, status.st_ino))
                yield file


def _below(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, names, files in os.walk(path):
        names[:] = sorted(name for name in names if name not in _SKIPPED and not name.startswith("."))
        for name in sorted(files):
            file = Path(folder, name)
            if file.suffix.lower() in _SUFFIXES and (file.is_file() or file.is_symlink()):
                yield file


def read_document(path: Path) -> Document:
    """Return the code of a file.

    Raises
    ------
    ReadError
        If the file can't be opened, is too large, is not text, or is a broken notebook.
    """
    try:
        if not path.is_file():
            raise ReadError("it does not exist" if not path.exists() else "it is not a file")
        size = path.stat().st_size
        if size > LARGEST:
            raise ReadError(f"it has {size:,} bytes, more than {LARGEST:,}")
        content = path.read_bytes()
    except OSError as error:
        raise ReadError(f"it can't be opened: {error.strerror or error}") from error
    is_notebook = path.suffix.lower() == ".ipynb"
    text, encoding = _decoded(content, is_notebook)
    notebook = None
    if is_notebook:
        try:
            notebook = Notebook(text)
        except NotebookError as error:
            raise ReadError(str(error)) from error
        text = notebook.text
    if len(text) > _LARGEST_CODE:
        raise ReadError(f"it has {len(text):,} characters of code, more than {_LARGEST_CODE:,}")
    return Document(path, text, encoding, notebook)


def _decoded(content: bytes, is_notebook: bool) -> tuple[str, str]:
    """Return the text of a file and its encoding: the declared one, else UTF-8."""
    if b"\0" in content:
        raise ReadError("it is not text: it has zero bytes (UTF-16 must be saved as UTF-8)")
    encoding = "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8"
    if not is_notebook:
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        except SyntaxError as error:
            raise ReadError(
                "it is neither UTF-8 nor in an encoding that its first lines name, such as "
                f"# -*- coding: latin-1 -*- ({error.msg})"
            ) from error
    try:
        return content.decode(encoding), encoding
    except (UnicodeDecodeError, LookupError) as error:
        raise ReadError(f"it is not {encoding}, its encoding; save it as UTF-8") from error
