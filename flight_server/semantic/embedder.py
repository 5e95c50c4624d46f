"""Text to vectors of length one: the model in the wheel, or an endpoint that speaks OpenAI's form.

Nothing is loaded or called before the first text, so a service that never compares
meanings pays neither memory nor start time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import requests

from hatidata_settings import Settings

Matrix: TypeAlias = npt.NDArray[np.float32]
"""One row for each text."""

MISSING: Final = (
    "semantic functions need an embedder: install hatidata-agent[semantic], or set embeddings_url"
)
LONGEST_TEXT: Final = 100_000
"""Characters of a text that are embedded; a model looks at fewer still."""
_TEXTS_IN_ONE_CALL: Final = 256
_TIMEOUT_S: Final = 20.0


class EmbeddingFailed(Exception):
    """The texts could not be embedded; the message may be shown to whoever asked."""


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def name(self) -> str:
        """What vectors can be compared with: those of one name only."""

    @property
    def missing(self) -> str:
        """What there is to install before it works, or an empty string."""

    @property
    def width(self) -> int:
        """Dimensions of a vector; 0 if only the first vector will tell."""

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of *texts*, each of length one, or zero where a text means nothing.

        Raises:
            EmbeddingFailed: Now, not forever.
        """


class WordLlamaEmbedder:
    """The model whose weights come in the wheel `wordllama`; it needs no network."""

    width: Final = 256

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._model: Any = None  # Any: wordllama publishes no types

    @property
    def name(self) -> str:
        """Name of model and dimensions."""
        return "wordllama:256"

    @property
    def missing(self) -> str:
        """What to install."""
        return "" if find_spec("wordllama") else MISSING

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of *texts*."""
        with self._lock:
            if self._model is None:
                self._model = _load_wordllama()
        return unit(self._model.embed([text[:LONGEST_TEXT] for text in texts], norm=False))


class EndpointEmbedder:
    """Asks an OpenAI-compatible `/v1/embeddings`.

    Args:
        url: The whole address, such as `http://127.0.0.1:8090/v1/embeddings`.
        key: Sent as Bearer token unless it is empty.
    """

    missing: Final = ""
    width: Final = 0

    def __init__(self, url: str, model: str, key: str) -> None:
        self._url = url
        self._model = model
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    @property
    def name(self) -> str:
        """Name of address and model."""
        return f"{self._url} {self._model}"

    def embed(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of *texts*, asked for in groups."""
        groups = range(0, len(texts), _TEXTS_IN_ONE_CALL)
        return np.vstack([self._ask(texts[start : start + _TEXTS_IN_ONE_CALL]) for start in groups])

    def _ask(self, texts: Sequence[str]) -> Matrix:
        body = {"model": self._model, "input": [text[:LONGEST_TEXT] or " " for text in texts]}
        try:
            answer = requests.post(self._url, json=body, headers=self._headers, timeout=_TIMEOUT_S)
            answer.raise_for_status()
            items = sorted(answer.json()["data"], key=lambda item: int(item["index"]))
            vectors = np.array([item["embedding"] for item in items], dtype=np.float32)
        except (requests.RequestException, ValueError, KeyError, TypeError) as fault:
            raise EmbeddingFailed("the embeddings endpoint gave no usable answer") from fault
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise EmbeddingFailed("the embeddings endpoint answered with another number of vectors")
        return unit(vectors)


def embedder_for(settings: Settings) -> Embedder:
    """Return the embedder that *settings* choose."""
    if not settings.embeddings_url:
        return WordLlamaEmbedder()
    name = settings.embeddings_api_key_env
    return EndpointEmbedder(
        settings.embeddings_url, settings.embeddings_model, os.environ.get(name, "") if name else ""
    )


def unit(vectors: npt.NDArray[Any]) -> Matrix:
    """Return *vectors* with length one; those without a direction become zero."""
    finite = np.nan_to_num(np.asarray(vectors, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    lengths = np.linalg.norm(finite, axis=1, keepdims=True)
    scaled: Matrix = (finite / np.where(lengths > 0, lengths, 1)).astype(np.float32, copy=False)
    return scaled


def _load_wordllama() -> Any:
    """Return the model, read from the folder of its package."""
    try:
        with _some_home():
            import wordllama
    except ImportError as fault:
        raise EmbeddingFailed(MISSING) from fault
    folder = str(Path(str(wordllama.__file__)).parent)
    return wordllama.WordLlama.load(cache_dir=folder, disable_download=True)


@contextmanager
def _some_home() -> Iterator[None]:
    """Name a home folder where there is none, as in a container: wordllama asks for it as it is imported."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = gettempdir()
        try:
            yield
        finally:
            del os.environ["HOME"]
    else:
        yield
