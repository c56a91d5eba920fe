"""Only unpacks: `python -m tests.bench.unpack FILE` reads all of a .gz or .zst file in large pieces."""

import sys
from pathlib import Path

PIECE = 4 * 1024 * 1024


def unpack(path: Path) -> int:
    """How many octets there are in it."""
    piece = bytearray(PIECE)
    total = 0
    with path.open("rb") as packed:
        if path.suffix == ".gz":
            from isal import igzip

            with igzip.IGzipFile(fileobj=packed) as stream:
                while count := stream.readinto(piece):
                    total += count
        else:
            import zstandard

            with zstandard.ZstdDecompressor().stream_reader(packed, read_size=PIECE) as stream:
                while count := stream.readinto(piece):
                    total += count
    return total


if __name__ == "__main__":
    sys.stdout.write(f"{unpack(Path(sys.argv[1]))}\n")
