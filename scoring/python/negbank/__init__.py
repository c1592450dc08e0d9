"""Negative-label banks for out-of-distribution detection with CLIP: scores from Python.

A bank holds negative labels for one set of ID labels. Image embeddings of the CLIP checkpoint that it was mined with
become scores, higher for images that are in-distribution:

>>> import negbank
>>> bank = negbank.open("demo.nbank")
>>> bank.labels[:2]
('red circle', 'blue square')
>>> images = negbank.read_store("images.nbe")
>>> scores = bank.score(images.embeddings)
>>> len(scores), bool((scores.score <= 1).all())
(100, True)

Scores are those of ``negbank score``, to the last bit for the same batches on the same kind of CPU with one BLAS thread.
All of it may be used by several threads at once; the interpreter's lock is released while scores are computed.
"""
from ._bank import Bank, Scorer, Scores, Stream, open
from ._errors import InputError, LimitError, NegbankError, NetworkError, NumericError, UsageError, VerifyError
from ._library import library_version
from ._pull import pull
from ._store import Store, read_store, write_store

__version__ = "0.3.0"
__all__ = [
    "Bank",
    "InputError",
    "LimitError",
    "NegbankError",
    "NetworkError",
    "NumericError",
    "Scorer",
    "Scores",
    "Store",
    "Stream",
    "UsageError",
    "VerifyError",
    "library_version",
    "open",
    "pull",
    "read_store",
    "write_store",
]
