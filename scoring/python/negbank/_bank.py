"""Banks, scorers, streams, and the scores that they give."""
from __future__ import annotations

import ctypes as c
import json
import os
import threading
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple, Union

import numpy as np
import numpy.typing as npt

from ._arrays import as_rows
from ._errors import UsageError
from ._library import Handle, lib, text

Value = Union[str, int, float, None]

_RESULT = np.dtype([("score", "f8"), ("ood_score", "f8"), ("label", "i4"), ("accepted", "i4")])


class Scores:
    """Scores of images, as columns that bear names.

    >>> import negbank
    >>> bank = negbank.open("demo.nbank")
    >>> scores = bank.score(negbank.read_store("images.nbe").embeddings)
    >>> list(scores.keys())
    ['score', 'ood_score', 'label', 'accepted']
    >>> scores["score"] is not scores.score, (scores["score"] == scores.score).all()
    (True, True)
    >>> scores.label_names[0] in bank.labels
    True

    ``pandas.DataFrame(dict(scores))`` and ``dict(scores)`` are tables of them.
    """

    def __init__(self, array: npt.NDArray[Any], labels: Tuple[str, ...]) -> None:
        self.array = array
        """A row an image, with the fields of keys()."""
        self._labels = labels

    def __len__(self) -> int:
        return len(self.array)

    def __repr__(self) -> str:
        return f"<negbank.Scores of {len(self)} images>"

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        column: npt.NDArray[Any] = self.array[name]
        return column

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def keys(self) -> List[str]:
        """The names of the columns."""
        return list(_RESULT.names or ())

    @property
    def score(self) -> npt.NDArray[np.float64]:
        """Higher: more in-distribution."""
        return self["score"]

    @property
    def ood_score(self) -> npt.NDArray[np.float64]:
        """1 - score without cancellation; NaN where the score is no probability."""
        return self["ood_score"]

    @property
    def log_odds(self) -> npt.NDArray[np.float64]:
        """ln score - ln ood_score of probabilities, which have no room near 1; the score itself of what is none. This is
        what ``negbank eval`` orders images by."""
        return _log_odds(self.score, self.ood_score)

    @property
    def label(self) -> npt.NDArray[np.int32]:
        """Numbers of the predicted ID labels."""
        return self["label"]

    @property
    def accepted(self) -> npt.NDArray[np.int32]:
        """By the bank's threshold: 1 in-distribution, 0 out, -1 where the bank has none for this scorer."""
        return self["accepted"]

    @property
    def label_names(self) -> List[str]:
        """The predicted ID labels."""
        return [self._labels[i] for i in self.label]


class Bank:
    """A bank in memory, made by :func:`open`. It does not change: threads share it."""

    def __init__(self, path: Union[str, "os.PathLike[str]"]) -> None:
        handle = Handle(lib.close)
        lib.call(lib.open, c.byref(handle.pointer), os.fsencode(path))
        self._handle = handle.made()
        self._lock = threading.Lock()
        self._default: Optional[Scorer] = None
        bank = self._handle.pointer
        self.path = os.fspath(path)
        """The file it was read from."""
        self.width = int(lib.width(bank))
        """Elements of an embedding."""
        self.labels: Tuple[str, ...] = tuple(text(lib.label(bank, i)) for i in range(lib.label_count(bank)))
        """ID labels; their numbers are the classes."""
        self.negatives: Tuple[str, ...] = tuple(text(lib.negative(bank, i)) for i in range(lib.negative_count(bank)))
        """Negative labels, best first within each tag."""
        self.info: Dict[str, Any] = json.loads(lib.info(bank))
        """What ``negbank inspect info --json`` prints: how it was mined, what it suggests."""

    def __repr__(self) -> str:
        return f"<negbank.Bank {self.path!r}: {len(self.labels)} labels, {len(self.negatives)} negatives>"

    def __reduce__(self) -> Tuple[Any, ...]:
        return Bank, (self.path,)

    @property
    def negative_values(self) -> npt.NDArray[np.float64]:
        """The value each negative label was selected by."""
        bank = self._handle.pointer
        return np.array([lib.negative_value(bank, i) for i in range(len(self.negatives))])

    @property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return text(lib.digest(self._handle.pointer))

    @property
    def checkpoint(self) -> Optional[str]:
        """SHA-256 of the CLIP checkpoint that embeddings must come from; None where it is not known."""
        return text(lib.checkpoint(self._handle.pointer)) or None

    @property
    def suggested_score(self) -> str:
        """The score that :meth:`score` computes."""
        return text(lib.suggested_score(self._handle.pointer))

    @property
    def threshold(self) -> Optional[float]:
        """The score from which on an image is in-distribution, with the score and the parameters that the bank suggests;
        None where it was mined without images held out for it.

        >>> import negbank
        >>> negbank.open("demo.nbank").threshold is None
        False
        """
        value = c.c_double()
        return value.value if lib.threshold(self._handle.pointer, c.byref(value)) else None

    def scorer(self, score: Optional[str] = None, *, threshold: Optional[float] = None, **parameters: Value) -> Scorer:
        """A score with parameters, as ``negbank score`` has them: ``threshold`` decides in place of the bank's own.

        Names of parameters take ``_`` for ``-``, and one behind a word of Python: ``lambda_``. None is "none".

        >>> import negbank
        >>> bank = negbank.open("demo.nbank")
        >>> bank.scorer("neglabel", groups=2, seed=3).description
        'neglabel temperature=0.01,groups=2,seed=3'
        """
        return Scorer(self, score, threshold, parameters)

    def _suggested(self) -> Scorer:
        with self._lock:
            if self._default is None:
                self._default = Scorer(self, None, None, {})
            return self._default

    def score(self, embeddings: Any) -> Scores:
        """Scores of images, each alone, as the bank suggests.

        ``embeddings`` [images, width] are a numpy array or anything with ``__dlpack__`` or ``__array__``, such as a
        PyTorch tensor. Rows of 32-bit floats in memory are not copied; others are converted. They need not be normalised.
        """
        return self._suggested().score(embeddings)

    def decision_function(self, embeddings: Any) -> npt.NDArray[np.float64]:
        """:meth:`Scorer.decision_function` as the bank suggests."""
        return self._suggested().decision_function(embeddings)

    def predict(self, embeddings: Any) -> npt.NDArray[np.int64]:
        """:meth:`Scorer.predict` as the bank suggests."""
        return self._suggested().predict(embeddings)


class Scorer:
    """A score with values for its parameters, against one bank. It does not change: threads share it."""

    def __init__(
        self, bank: Bank, score: Optional[str], threshold: Optional[float], parameters: Mapping[str, Value]
    ) -> None:
        said = ",".join(f"{name.rstrip('_').replace('_', '-')}={_text_of(value)}" for name, value in parameters.items())
        handle = Handle(lib.scorer_destroy, bank._handle)
        name = None if score is None else score.encode()
        lib.call(lib.scorer_create, c.byref(handle.pointer), bank._handle.pointer, name, said.encode() if said else None)
        self._handle = handle.made()
        lib.call(lib.scorer_result_size, handle.pointer, _RESULT.itemsize)
        self._made_of = (bank.path, score, threshold, dict(parameters))
        self._width, self._labels = bank.width, bank.labels
        self._calibration: Mapping[str, Any] = bank.info.get("calibration") or {}
        self.threshold = threshold
        """The score from which on an image is in-distribution; None: the bank's, where it has one for this scorer."""

    def __repr__(self) -> str:
        return f"<negbank.Scorer {self.description}>"

    def __reduce__(self) -> Tuple[Any, ...]:
        return _remake, self._made_of

    @property
    def description(self) -> str:
        """The score and every parameter it uses."""
        return text(lib.scorer_description(self._handle.pointer))

    def score(self, embeddings: Any) -> Scores:
        """Scores of images, each alone; see :meth:`Bank.score`. Scores of streams need :meth:`stream`."""
        rows = as_rows(embeddings, self._width)
        results = np.empty(len(rows), _RESULT)
        lib.call(lib.score, self._handle.pointer, rows.ctypes.data, len(rows), results.ctypes.data)
        return self._decided(results)

    def stream(self) -> Stream:
        """Begins a stream of images, for scores that learn from what they have seen (adaneg, interneg, oodd, tins)."""
        return Stream(self)

    def score_samples(self, embeddings: Any) -> npt.NDArray[np.float64]:
        """The scores alone: as scikit-learn has them, the lower, the more abnormal."""
        return np.ascontiguousarray(self.score(embeddings).score)

    def decision_function(self, embeddings: Any) -> npt.NDArray[np.float64]:
        """How far images are above the threshold: not negative for those in-distribution, as scikit-learn has it.

        With the bank's own threshold these are differences of log-odds where the score is a probability, since scores
        near 1 have no room between them; with another one, of scores.

        >>> import negbank
        >>> bank = negbank.open("demo.nbank")
        >>> images = negbank.read_store("images.nbe").embeddings
        >>> bool(((bank.decision_function(images) >= 0) == (bank.predict(images) == 1)).all())
        True
        """
        scores = self.score(embeddings)
        inside = scores.accepted == 1
        if len(scores) and scores.accepted[0] < 0:
            raise UsageError(
                2, "the bank has no threshold for this score", "give one: bank.scorer(..., threshold=0.9)"
            )
        if self.threshold is not None:
            margin = scores.score - self.threshold
        else:
            margin = scores.log_odds - self._threshold_log_odds()
        # what rounding makes of the last bit is not to turn the sign
        least = np.finfo(np.float64).smallest_subnormal
        return np.where(inside, np.maximum(margin, 0.0), np.minimum(margin, -least))

    def predict(self, embeddings: Any) -> npt.NDArray[np.int64]:
        """1 for images that are in-distribution, -1 for others, as scikit-learn has it."""
        return np.where(self.decision_function(embeddings) >= 0, 1, -1)

    def _threshold_log_odds(self) -> float:
        score, ood = self._calibration["threshold"], self._calibration["ood_score"]
        return float(_log_odds(np.array([score]), np.array([np.nan if ood is None else ood]))[0])

    def _decided(self, results: npt.NDArray[Any]) -> Scores:
        if self.threshold is not None:
            results["accepted"] = results["score"] >= self.threshold
        return Scores(results, self._labels)


class Stream:
    """The state of one stream of images. Pushes of several threads take turns.

    >>> import negbank
    >>> images = negbank.read_store("images.nbe").embeddings
    >>> stream = negbank.open("demo.nbank").scorer("adaneg", beta=5).stream()
    >>> len(stream.push(images[:32])), len(stream.push(images[32:]))
    (32, 68)
    """

    def __init__(self, scorer: Scorer) -> None:
        handle = Handle(lib.stream_destroy, scorer._handle)
        lib.call(lib.stream_create, c.byref(handle.pointer), scorer._handle.pointer)
        self._handle = handle.made()
        self._scorer = scorer
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<negbank.Stream {self._scorer.description}>"

    def push(self, embeddings: Any) -> Scores:
        """Scores images as one batch, after the batch's own changes. A batch with an embedding that is zero or not
        finite changes nothing; after any other error the stream is of no more use."""
        rows = as_rows(embeddings, self._scorer._width)
        results = np.empty(len(rows), _RESULT)
        with self._lock:
            lib.call(lib.stream_push, self._handle.pointer, rows.ctypes.data, len(rows), results.ctypes.data)
        return self._scorer._decided(results)

    def save(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Saves the state to a file, from which another stream goes on to the same bits: a service survives a restart.

        >>> import negbank
        >>> images = negbank.read_store("images.nbe").embeddings
        >>> scorer = negbank.open("demo.nbank").scorer("adaneg", beta=5)
        >>> stream, later = scorer.stream(), scorer.stream()
        >>> scores = stream.push(images[:32])
        >>> stream.save("stream.state")
        >>> later.restore("stream.state")
        >>> stream.push(images[32:]).array.tobytes() == later.push(images[32:]).array.tobytes()
        True
        """
        with self._lock:
            lib.call(lib.stream_save, self._handle.pointer, os.fsencode(path))

    def restore(self, path: Union[str, "os.PathLike[str]"]) -> None:
        """Goes on from a saved state, before the first push. A state of another bank, score or parameter is refused, with
        the difference named."""
        with self._lock:
            lib.call(lib.stream_restore, self._handle.pointer, os.fsencode(path))


def open(path: Union[str, "os.PathLike[str]"]) -> Bank:
    """Opens a bank, verifying the whole file.

    >>> import negbank
    >>> bank = negbank.open("demo.nbank")
    >>> len(bank.labels), len(bank.negatives), bank.width
    (10, 50, 32)
    >>> bank.info["suggested"]["score"] == bank.suggested_score
    True
    """
    return Bank(path)


def _remake(path: str, score: Optional[str], threshold: Optional[float], parameters: Mapping[str, Value]) -> Scorer:
    return Bank(path).scorer(score, threshold=threshold, **parameters)


def _text_of(value: Value) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _log_odds(score: npt.NDArray[np.float64], ood: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """As Scores.log_odds."""
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = np.log(score) - np.log(ood)
    return np.where(np.isnan(ood) | np.isnan(odds), score, odds)
