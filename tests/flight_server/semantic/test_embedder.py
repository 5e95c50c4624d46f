"""Texts to vectors: the model in the wheel, an endpoint, and what is remembered of both."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from flight_server.semantic.embedder import EmbeddingFailed, EndpointEmbedder, WordLlamaEmbedder
from flight_server.semantic.vectors import Vectors
from tests.fixtures.warehouse_semantic import embedding


def test_the_model_of_the_wheel_makes_vectors_of_length_one() -> None:
    vectors = WordLlamaEmbedder().embed(["a cat", "", "日本"])

    assert vectors.shape == (3, WordLlamaEmbedder.width)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 0, 1], abs=1e-5)


_NOBODY = """
import os
if os.getuid() == 0:
    os.setresuid(54321, 0, 0)
from flight_server.semantic.embedder import WordLlamaEmbedder
print(WordLlamaEmbedder().embed(["a cat"]).shape, "HOME" in os.environ)
"""


def test_a_user_without_a_name_and_a_home_embeds_too() -> None:
    """As in a container with a random user id: root becomes one, others have at least no HOME."""
    environ = {name: value for name, value in os.environ.items() if name != "HOME"}
    done = subprocess.run(
        [sys.executable, "-c", _NOBODY], env=environ, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "(1, 256) False\n"), done.stderr


def test_an_endpoint_is_asked_in_its_own_form_and_order() -> None:
    with embedding() as endpoint:
        vectors = EndpointEmbedder(endpoint.url, "model", "secret").embed(["aab", "c"])

    assert endpoint.keys == ["Bearer secret"]
    assert vectors.argmax(axis=1).tolist() == [0, 2]


def test_an_endpoint_without_a_usable_answer_fails_in_one_sentence() -> None:
    with embedding() as endpoint:
        endpoint.broken = True
        with pytest.raises(EmbeddingFailed, match="no usable answer"):
            EndpointEmbedder(endpoint.url, "model", "").embed(["a"])


def test_each_distinct_text_is_embedded_once() -> None:
    with embedding() as endpoint:
        vectors = Vectors(EndpointEmbedder(endpoint.url, "model", ""))
        first = vectors.of(["a", "b", "a"])
        second = vectors.of(["b", "c", "a"])

    assert endpoint.texts == ["a", "b", "c"]
    assert first[0].tolist() == first[2].tolist() == second[2].tolist()
    assert first[1].tolist() == second[0].tolist()


def test_what_does_not_fit_is_forgotten_and_made_again() -> None:
    with embedding() as endpoint:
        vectors = Vectors(EndpointEmbedder(endpoint.url, "model", ""), most_bytes=2 * 4 * 4)
        vectors.of(["a", "b"])
        both = vectors.of(["a", "c"])

    assert both.argmax(axis=1).tolist() == [0, 2]
