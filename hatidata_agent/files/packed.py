"""Text files that may be compressed; the suffix says how."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

_CODECS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bz2"}


def open_text(path: Path) -> tuple[pa.OSFile, pa.NativeFile]:
    """Return the file, whose position tells the progress, and the stream of its plain bytes."""
    raw = pa.OSFile(str(path))
    codec = _CODECS.get(path.suffix.lower())
    return raw, pa.CompressedInputStream(raw, codec) if codec else raw
