"""Embedding stores: the files of ``negbank embed`` and ``negbank store import``."""
from __future__ import annotations

import ctypes as c
import json
import os
from functools import cached_property
from typing import Any, Dict, Optional, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

from ._arrays import as_array
from ._errors import UsageError
from ._library import Content, Handle, lib, text

_Path = Union[str, "os.PathLike[str]"]


def _view(address: int, count: int, dtype: "np.dtype[Any]", keeps: Handle) -> npt.NDArray[Any]:
    """Memory of the library as an array that cannot be written to, and that keeps it there."""
    memory = (c.c_char * (count * dtype.itemsize)).from_address(address)
    setattr(memory, "keeps", keeps)
    array: npt.NDArray[Any] = np.frombuffer(memoryview(memory), dtype)
    array.flags.writeable = False
    return array


class Store:
    """An embedding store, made by :func:`read_store`. It does not change: threads share it."""

    def __init__(self, path: _Path) -> None:
        handle = Handle(lib.store_close)
        lib.call(lib.store_open, c.byref(handle.pointer), os.fsencode(path))
        self._handle = handle.made()
        store = handle.pointer
        count, width = int(lib.store_count(store)), int(lib.store_width(store))
        kind = np.dtype(np.float16 if lib.store_element_bytes(store) == 2 else np.float32)
        self.path = os.fspath(path)
        """The file it was read from."""
        self.embeddings: npt.NDArray[Any] = _view(
            int(lib.store_rows(store)), count * width, kind, self._handle
        ).reshape(count, width)
        """Rows as they are stored, float32 or float16: the file's own pages, which are not copied."""

    def __len__(self) -> int:
        return len(self.embeddings)

    def __repr__(self) -> str:
        return f"<negbank.Store {self.path!r}: {len(self)} rows of {self.embeddings.shape[1]} {self.embeddings.dtype}>"

    @cached_property
    def names(self) -> Tuple[str, ...]:
        """Texts, or names of images."""
        store = self._handle.pointer
        return tuple(text(lib.store_name(store, i)) for i in range(len(self)))

    @cached_property
    def labels(self) -> Optional[npt.NDArray[np.int32]]:
        """Class numbers of images, -1 unknown; None where the store has none."""
        at = lib.store_labels(self._handle.pointer)
        return _view(int(at), len(self), np.dtype(np.int32), self._handle) if at else None

    @cached_property
    def classes(self) -> Tuple[str, ...]:
        """Names of the classes, where they are known."""
        store = self._handle.pointer
        return tuple(text(lib.store_class(store, i)) for i in range(lib.store_class_count(store)))

    @cached_property
    def tags(self) -> Optional[Tuple[str, ...]]:
        """Of texts: "noun", "adj" or "none"; None where the store has none."""
        store = self._handle.pointer
        if lib.store_tag(store, 0) is None:
            return None
        return tuple(text(lib.store_tag(store, i)) for i in range(len(self)))

    @cached_property
    def provenance(self) -> Dict[str, Any]:
        """The program, the options and the inputs that made it."""
        found: Dict[str, Any] = json.loads(lib.store_provenance(self._handle.pointer))
        return found

    @property
    def checkpoint(self) -> Optional[str]:
        """SHA-256 of the checkpoint that made it; None where it is not known."""
        for given in self.provenance.get("inputs", []):
            if given.get("role") == "model":
                return str(given["sha256"])
        return None


def read_store(path: _Path) -> Store:
    """Opens an embedding store, verifying the whole file; its rows are mapped, not copied.

    >>> import negbank
    >>> images = negbank.read_store("images.nbe")
    >>> images.embeddings.shape == (len(images), 32), images.labels[:3].tolist()
    (True, [0, 0, 0])
    """
    return Store(path)


def write_store(
    path: _Path,
    embeddings: Any,
    *,
    names: Optional[Sequence[str]] = None,
    labels: Any = None,
    classes: Optional[Sequence[str]] = None,
    checkpoint: Optional[str] = None,
    precision: Optional[str] = None,
    replace: bool = False,
) -> None:
    """Writes embeddings [images, width] as a store that every command of negbank reads.

    Rows are normalised. ``names`` are those of the images (the numbers of the rows), ``labels`` their class numbers, -1
    unknown, ``classes`` the names of the classes, ``checkpoint`` the SHA-256 that :attr:`Bank.checkpoint` has.
    ``precision`` is "fp32" or "fp16" (that of the array). A file that exists is replaced when ``replace`` says so.

    >>> import negbank, numpy
    >>> negbank.write_store("made.nbe", numpy.eye(3), names=["a", "b", "c"], labels=[0, 1, -1], replace=True)
    >>> negbank.read_store("made.nbe").names
    ('a', 'b', 'c')
    """
    array = as_array(embeddings)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise UsageError(2, f"embeddings are [images, width], not {array.dtype} {array.shape}")
    if precision not in (None, "fp32", "fp16"):
        raise UsageError(2, f"precision: {precision!r} is none of fp32, fp16")
    rows = np.require(array, np.float32, ["C", "A"])
    numbers = None if labels is None else np.require(as_array(labels), np.int32, ["C", "A"])
    if numbers is not None and (numbers.shape != (len(rows),) or not np.array_equal(numbers, as_array(labels))):
        raise UsageError(2, f"labels are one whole number a row, {len(rows)} of them")
    if names is not None and len(names) != len(rows):
        raise UsageError(2, f"{len(names)} names are given for {len(rows)} rows")
    content = Content(
        bytes=c.sizeof(Content),
        count=len(rows),
        width=rows.shape[1],
        rows=rows.ctypes.data,
        names=_strings(names),
        labels=None if numbers is None else numbers.ctypes.data,
        classes=_strings(classes),
        class_count=len(classes or ()),
        checkpoint=checkpoint.encode() if checkpoint else None,
        half=precision == "fp16" or (precision is None and array.dtype == np.float16),
        replace=replace,
    )
    lib.call(lib.store_write, os.fsencode(path), c.byref(content))


def _strings(values: Optional[Sequence[str]]) -> Any:
    """Strings for C; ctypes keeps what they point to with the array."""
    if values is None:
        return None
    return (c.c_char_p * len(values))(*(str(value).encode("utf-8", "surrogateescape") for value in values))
