"""Domain names in messages (RFC 1035 section 4.1.4), for the modules whose messages look like DNS.

What match functions ask of a name is in `_names.pxd`.
"""

# RFC 1035 section 2.3.4. Every step is a label or a pointer, so that a chain of pointers ends.
POINTER = 0xC0
NAME_LEN = 255
NAME_STEPS = 128


def after_name(message: bytes, at: int) -> int:
    """Where a name ends, its pointer not followed."""
    while length := message[at]:
        if length >= POINTER:
            return at + 2
        at += 1 + length
    return at + 1


def labels(message: bytes, at: int) -> list[bytes]:
    """The labels of a name, RFC 1035 section 4.1.4: a pointer leads to a prior occurrence."""
    found: list[bytes] = []
    begin, size = at, 0
    for _ in range(NAME_STEPS):
        length = message[at]
        if length == 0:
            return found
        if length >= POINTER:
            at = (length - POINTER) * 256 + message[at + 1]
            if at >= begin:
                raise ValueError("a compression pointer that does not lead back")
            begin = at
            continue
        label = message[at + 1 : at + 1 + length]
        if len(label) < length:
            raise EOFError
        found.append(label)
        at += 1 + length
        size += 1 + length
        if length > 63 or size > NAME_LEN:
            raise ValueError("a label or name longer than RFC 1035 allows")
    raise ValueError("a name of too many labels and pointers")


def dotted(parts: list[bytes]) -> str:
    """A name as text, a dot within a label escaped (RFC 1035 section 5.1, RFC 6763 section 4.3)."""
    texts = [part.decode("utf-8", "replace").replace("\\", "\\\\").replace(".", "\\.") for part in parts]
    return ".".join(texts)


def name_at(message: bytes, at: int) -> str:
    """The name that begins at an offset, as text."""
    return dotted(labels(message, at))
