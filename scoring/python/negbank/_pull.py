"""Banks and checkpoints from a server: by the program, which has the transfers, the cache and the signatures."""
from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
from typing import List, Optional, Sequence, Union

from ._errors import UsageError, error_of
from ._library import prefixes

_Path = Union[str, "os.PathLike[str]"]


def _program() -> str:
    """The program negbank: NEGBANK_PROGRAM, that of the package's own installation, on the path, or built beside it."""
    said = os.environ.get("NEGBANK_PROGRAM")
    if said:
        return said
    built = pathlib.Path(__file__).resolve().parent.parent.parent.parent / "build" / "negbank"
    for place in [*(prefix / "bin" / "negbank" for prefix in prefixes()), shutil.which("negbank"), built]:
        if place and os.access(place, os.X_OK):
            return str(place)
    raise UsageError(2, "the program negbank is not found", "put it on the path, or let NEGBANK_PROGRAM name it")


def pull(
    what: str,
    output: Optional[_Path] = None,
    *,
    index: Optional[str] = None,
    verify: Union[None, _Path, Sequence[_Path]] = None,
    name: Optional[str] = None,
    version: Optional[str] = None,
    sha256: Optional[str] = None,
    model: bool = False,
    offline: bool = False,
    force: bool = False,
    cache: Optional[_Path] = None,
) -> pathlib.Path:
    """Fetches and verifies a bank, or with ``model`` a checkpoint folder, as ``negbank pull`` does.

    ``what`` is an address, or a name in an ``index``; ``verify`` holds public keys or their files, by one of which it must
    be signed. Returns where it lies: ``output``, or the file in the cache.

    >>> import negbank
    >>> negbank.pull("pets")
    Traceback (most recent call last):
        ...
    negbank._errors.UsageError: 'pets' is no address, and a name needs --index URL (pull URL, or pull NAME[@VERSION] --index URL)
    """
    command: List[str] = [_program(), "pull", "--quiet"]
    if verify is not None:
        keys = [verify] if isinstance(verify, (str, os.PathLike)) else list(verify)
        command += [f"--verify={os.fspath(key)}" for key in keys]
    for option, value in (
        ("output", output), ("index", index), ("name", name), ("version", version), ("sha256", sha256), ("cache", cache)
    ):  # fmt: skip
        if value is not None:
            command.append(f"--{option}={os.fspath(value)}")
    command += [f"--{option}" for option, on in (("offline", offline), ("force", force)) if on]
    command += [f"--model={what}"] if model else ["--", what]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise _failure(done.returncode, done.stderr.decode("utf-8", "backslashreplace"))
    if output is not None:
        return pathlib.Path(output)
    return pathlib.Path(os.fsdecode(done.stdout.rstrip(b"\n")))


def _failure(code: int, said: str) -> Exception:
    """The exception of "error: negbank VERSION: MESSAGE (KIND)" and "hint: HINT"."""
    message, hint = "", ""
    for line in said.splitlines():
        if line.startswith("error: "):
            message = line[len("error: ") :].split(": ", 1)[-1].rpartition(" (")[0]
        elif line.startswith("hint: "):
            hint = line[len("hint: ") :]
    return error_of(code, message or said.strip() or f"negbank ended with {code}", hint)
