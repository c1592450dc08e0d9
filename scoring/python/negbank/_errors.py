"""What can go wrong, with the program's exit codes."""
from __future__ import annotations

from typing import Dict, Type


class NegbankError(Exception):
    """A failure of the library or the program.

    >>> import negbank
    >>> try:
    ...     negbank.open("demo.nbank").scorer("best")
    ... except negbank.NegbankError as error:
    ...     print(error.code, error.message.split(" is ")[0])
    2 'best'
    """

    code: int
    """One of the program's exit codes: 3 for a bad input file, say."""
    message: str
    """What is wrong."""
    hint: str
    """What to do about it; "" where nothing is known."""

    def __init__(self, code: int, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)
        self.code, self.message, self.hint = code, message, hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class UsageError(NegbankError, ValueError):
    """An argument is wrong (2)."""


class InputError(NegbankError, ValueError):
    """A file is missing or not what it should be (3)."""


class LimitError(NegbankError, MemoryError):
    """Out of memory, or over a stated limit (5)."""


class NumericError(NegbankError, ArithmeticError):
    """An embedding is zero or not finite (6)."""


class VerifyError(NegbankError):
    """A digest, checksum or signature does not match (7)."""


class NetworkError(NegbankError):
    """A transfer failed (8)."""


_OF_CODE: Dict[int, Type[NegbankError]] = {
    2: UsageError,
    3: InputError,
    5: LimitError,
    6: NumericError,
    7: VerifyError,
    8: NetworkError,
}


def error_of(code: int, message: str, hint: str) -> NegbankError:
    """The exception of an exit code. The message may end with the hint in parentheses, as the library has it."""
    if hint and message.endswith(f" ({hint})"):
        message = message[: -len(hint) - 3]
    return _OF_CODE.get(code, NegbankError)(code, message, hint)
