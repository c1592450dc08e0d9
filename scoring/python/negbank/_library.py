"""libnegbank by ctypes: where it is, its functions with their types, and its failures as exceptions."""
from __future__ import annotations

import ctypes as c
import os
import pathlib
import weakref
from typing import Any, Callable, Iterator, List, Optional

from ._errors import error_of

SONAME = "libnegbank.so.0.3"
_HERE = pathlib.Path(__file__).resolve().parent
_MESSAGE_BYTES = 2048


def prefixes() -> Iterator[pathlib.Path]:
    """Folders that the package may be installed under, as PREFIX/lib/python3/dist-packages/negbank."""
    for up in _HERE.parents:
        if up.name in ("lib", "lib64"):
            yield up.parent


def _places() -> Iterator[str]:
    yield str(_HERE / SONAME)  # of a wheel that holds it
    for prefix in prefixes():
        for folder in (prefix / "lib", prefix / "lib64", *sorted((prefix / "lib").glob("*-linux-*"))):
            yield str(folder / SONAME)
    yield str(_HERE.parent.parent.parent / "build" / SONAME)  # of the checkout


def _load() -> c.CDLL:
    said = os.environ.get("NEGBANK_LIBRARY")
    if said:
        return c.CDLL(said)
    for place in _places():
        if os.path.exists(place):
            return c.CDLL(place)
    try:
        return c.CDLL(SONAME)
    except OSError as why:
        raise ImportError(
            f"{SONAME} is not found ({why}); install negbank, build it and install the package anew, "
            "or let NEGBANK_LIBRARY name the library"
        ) from None


class Content(c.Structure):
    """negbank_store_content"""

    _fields_ = [
        ("bytes", c.c_size_t),
        ("count", c.c_size_t),
        ("width", c.c_size_t),
        ("rows", c.c_void_p),
        ("names", c.POINTER(c.c_char_p)),
        ("labels", c.c_void_p),
        ("classes", c.POINTER(c.c_char_p)),
        ("class_count", c.c_size_t),
        ("checkpoint", c.c_char_p),
        ("half", c.c_int32),
        ("replace", c.c_int32),
    ]


_P, _S, _N = c.c_void_p, c.c_char_p, c.c_size_t
_WHY = [c.c_char_p, c.c_size_t]
# what each returns, what it takes; those that can fail take a message at the end and return a code
_FUNCTIONS: List[Any] = [
    ("version", _S, []),
    ("hint", _S, []),
    ("open", c.c_int, [c.POINTER(_P), _S, *_WHY]),
    ("close", None, [_P]),
    ("width", _N, [_P]),
    ("label_count", _N, [_P]),
    ("negative_count", _N, [_P]),
    ("label", _S, [_P, _N]),
    ("negative", _S, [_P, _N]),
    ("negative_value", c.c_double, [_P, _N]),
    ("digest", _S, [_P]),
    ("checkpoint", _S, [_P]),
    ("info", _S, [_P]),
    ("suggested_score", _S, [_P]),
    ("threshold", c.c_int, [_P, c.POINTER(c.c_double)]),
    ("scorer_create", c.c_int, [c.POINTER(_P), _P, _S, _S, *_WHY]),
    ("scorer_result_size", c.c_int, [_P, _N, *_WHY]),
    ("scorer_destroy", None, [_P]),
    ("scorer_description", _S, [_P]),
    ("score", c.c_int, [_P, _P, _N, _P, *_WHY]),
    ("stream_create", c.c_int, [c.POINTER(_P), _P, *_WHY]),
    ("stream_destroy", None, [_P]),
    ("stream_push", c.c_int, [_P, _P, _N, _P, *_WHY]),
    ("stream_save", c.c_int, [_P, _S, *_WHY]),
    ("stream_restore", c.c_int, [_P, _S, *_WHY]),
    ("store_open", c.c_int, [c.POINTER(_P), _S, *_WHY]),
    ("store_close", None, [_P]),
    ("store_count", _N, [_P]),
    ("store_width", _N, [_P]),
    ("store_element_bytes", _N, [_P]),
    ("store_rows", _P, [_P]),
    ("store_name", _S, [_P, _N]),
    ("store_labels", _P, [_P]),
    ("store_class_count", _N, [_P]),
    ("store_class", _S, [_P, _N]),
    ("store_tag", _S, [_P, _N]),
    ("store_provenance", _S, [_P]),
    ("store_write", c.c_int, [_S, c.POINTER(Content), *_WHY]),
]


class Library:
    """Its functions, without the prefix; call() for those that can fail."""

    def __init__(self) -> None:
        self._cdll = _load()  # CDLL, not PyDLL: a call releases the interpreter's lock
        for name, returns, takes in _FUNCTIONS:
            function = getattr(self._cdll, f"negbank_{name}")
            function.restype, function.argtypes = returns, takes
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(name)

    def call(self, function: Callable[..., int], *arguments: Any) -> None:
        """Calls it with a message behind the arguments; raises what it fails with."""
        why = c.create_string_buffer(_MESSAGE_BYTES)
        code = function(*arguments, why, _MESSAGE_BYTES)
        if code:
            raise error_of(code, text(why.value), text(self.hint()))


class Handle:
    """What the library made, and unmakes once nobody refers to it. `keeps` are what it needs until then."""

    def __init__(self, destroy: Callable[[c.c_void_p], None], keeps: Optional[Handle] = None) -> None:
        self.pointer = c.c_void_p()
        self._destroy = destroy
        self._keeps = keeps

    def made(self) -> Handle:
        """To be called once the pointer is set."""
        # the callback refers to what this one needs, so that it goes first
        weakref.finalize(self, Handle._end, self._destroy, self.pointer, self._keeps)
        return self

    @staticmethod
    def _end(destroy: Callable[[c.c_void_p], None], pointer: c.c_void_p, keeps: Optional[Handle]) -> None:
        destroy(pointer)


def text(value: Optional[bytes]) -> str:
    """UTF-8 of the library; what is not stays readable."""
    return (value or b"").decode("utf-8", "backslashreplace")


lib = Library()
if text(lib.version()).split(".")[:2] != SONAME.split(".")[2:]:
    raise ImportError(f"libnegbank is of version {text(lib.version())}, this package needs {SONAME}")


def library_version() -> str:
    """The version of libnegbank that is used.

    >>> import negbank
    >>> negbank.library_version() == negbank.__version__
    True
    """
    return text(lib.version())


__all__ = ["Content", "Handle", "Library", "lib", "library_version", "prefixes", "text"]
