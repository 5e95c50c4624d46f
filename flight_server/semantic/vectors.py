"""The vectors of the texts seen lately: each distinct text is embedded once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Final

import numpy as np

from flight_server.semantic.embedder import Embedder, Matrix

MOST_BYTES: Final = 256 << 20
"""Memory of the remembered vectors; the texts themselves come on top."""


class Vectors:
    """Remembers vectors by text; safe for many threads.

    What does not fit is forgotten all at once: a scan over more texts than that would
    push out one by one exactly what it needs next.
    """

    def __init__(self, embedder: Embedder, most_bytes: int = MOST_BYTES) -> None:
        self._embedder = embedder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}
        self._matrix: Matrix = np.zeros((0, 0), dtype=np.float32)

    def of(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of *texts*, in their order; at least one text.

        Raises:
            EmbeddingFailed: The embedder does not answer.
        """
        with self._lock:
            new = [text for text in dict.fromkeys(texts) if text not in self._places]
            if not new:
                return self._taken(texts)
            made = self._embedder.embed(new)
            if (len(self._places) + len(new)) * made.shape[1] * 4 > self._most_bytes:
                self._places = {}
                known = [text for text in dict.fromkeys(texts) if text not in set(new)]
                made = np.vstack([made, self._embedder.embed(known)]) if known else made
                new += known
            self._keep(new, made)
            return self._taken(texts)

    def _keep(self, new: Sequence[str], made: Matrix) -> None:
        start = len(self._places)
        if start == 0 and len(made) > len(self._matrix):
            self._matrix = made.copy()
        elif start + len(made) > len(self._matrix):
            room = np.zeros((max(start, len(made)), made.shape[1]), dtype=np.float32)
            self._matrix = np.vstack([self._matrix[:start], made, room])
        self._matrix[start : start + len(made)] = made
        self._places |= {text: start + offset for offset, text in enumerate(new)}

    def _taken(self, texts: Sequence[str]) -> Matrix:
        places = self._places
        taken: Matrix = self._matrix[[places[text] for text in texts]]
        return taken
