"""Read the image size that a compressed frame declares, by which decoders allocate memory."""

from __future__ import annotations

_JPEG2000 = b"\xff\x4f\xff\x51"  # start of codestream, size marker
_JPEG2000_BOX = b"jP  "
_JPEG = b"\xff\xd8"
_NOT_FRAMES = (0xC4, 0xC8, 0xCC)  # tables among the start-of-frame markers
_JPEG_LS_FRAME = 0xF7


def declared_size(stream: bytes) -> tuple[int, int] | None:
    """Return rows and columns of a JPEG, JPEG-LS or JPEG 2000 codestream; None for other or damaged ones."""
    if stream[4:8] == _JPEG2000_BOX:  # a codestream wrapped in a file, which the standard forbids but some write
        stream = stream[max(stream.find(_JPEG2000), 0) :]
    if stream[:4] == _JPEG2000 and len(stream) >= 24:
        width, height, left, top = (int.from_bytes(stream[at : at + 4], "big") for at in (8, 12, 16, 20))
        return height - top, width - left
    if stream[:2] == _JPEG:
        return _jpeg_size(stream)
    return None


def _jpeg_size(stream: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker == _JPEG_LS_FRAME or (0xC0 <= marker <= 0xCF and marker not in _NOT_FRAMES):
            return int.from_bytes(stream[at + 5 : at + 7], "big"), int.from_bytes(stream[at + 7 : at + 9], "big")
        else:
            at += 2 + int.from_bytes(stream[at + 2 : at + 4], "big")
    return None
