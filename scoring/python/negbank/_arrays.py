"""Embeddings of any kind as rows of floats that lie side by side, without a copy where they do already."""
from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._errors import UsageError

Rows = npt.NDArray[np.float32]


def _of_torch(tensor: Any) -> Any:
    """A tensor as the processor sees it: without gradients, in memory, of a type that numpy knows."""
    tensor = tensor.detach().cpu()
    return tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor


def as_array(embeddings: Any) -> npt.NDArray[Any]:
    """An array over the same memory where there is one: of DLPack, __array__, or nested lists."""
    if isinstance(embeddings, np.ndarray):
        return embeddings
    if type(embeddings).__module__.split(".")[0] == "torch":
        embeddings = _of_torch(embeddings)
    if hasattr(embeddings, "__dlpack__"):
        try:
            shared: npt.NDArray[Any] = np.from_dlpack(embeddings)
            return shared
        except (BufferError, RuntimeError, TypeError, ValueError):
            pass  # on a device, or of a type that numpy's DLPack lacks: it may know how to become an array
    return np.asarray(embeddings)


def as_rows(embeddings: Any, width: int) -> Rows:
    """Rows of `width` floats. One row alone stands for one image."""
    array = as_array(embeddings)
    if array.dtype.kind not in "fiu":
        raise UsageError(2, f"embeddings are numbers, not {array.dtype}")
    if array.ndim == 1 and array.shape[0] == width:
        array = array[None, :]
    if array.ndim != 2 or array.shape[1] != width:
        raise UsageError(
            2,
            f"embeddings of shape {array.shape} are given, the bank needs [images, {width}]",
            "embed them with the checkpoint that the bank was mined with",
        )
    return np.require(array, dtype=np.float32, requirements=["C", "A"])
