"""Notes of cameras as no camera should write them: TIFF structures for the EXIF of a picture.

Knows nothing of this project.
"""

import struct

from PIL import Image

BYTE, ASCII, SHORT, LONG, RATIONAL, DOUBLE = 1, 2, 3, 4, 5, 12
SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, DOUBLE: 8}
HEAD = b"MM\0*\0\0\0\x08"
ORIENTATION, GPS = 0x0112, 0x8825
# What has to be done to an upright picture so that a viewer that heeds the number shows it upright.
HELD = {1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270}


def turned(picture, way):
    return picture if HELD[way] is None else picture.transpose(HELD[way])


def directory(entries, at, following=0):
    """A directory at `at`; what does not fit into four bytes stands behind it."""
    far = at + 2 + 12 * len(entries) + 4
    fields, behind = b"", b""
    for tag, kind, value in entries:
        if len(value) > 4:
            where = struct.pack(">I", far + len(behind))
            behind += value
        else:
            where = value.ljust(4, b"\0")
        fields += struct.pack(">HHI", tag, kind, len(value) // SIZES[kind]) + where
    return struct.pack(">H", len(entries)) + fields + struct.pack(">I", following) + behind


def rationals(*pairs):
    return b"".join(struct.pack(">II", *pair) for pair in pairs)


def placed(lat, lon, kind=RATIONAL, refs=(b"N\0", b"E\0")):
    """Notes with a position."""
    entry = (GPS, LONG, struct.pack(">I", 8 + 18))
    gps = [(1, ASCII, refs[0]), (2, kind, lat), (3, ASCII, refs[1]), (4, kind, lon)]
    return HEAD + directory([entry], 8) + directory(gps, 8 + 18)


def notes(way=1):
    """Honest ones: which way up, a maker's name, a time."""
    said = [(ORIENTATION, SHORT, struct.pack(">H", way)), (0x010F, ASCII, b"Louan\0"), (0x0132, ASCII, b"2020:03:01 09:00:00\0")]
    return HEAD + directory(said, 8)


def oriented(way):
    return HEAD + directory([(ORIENTATION, SHORT, struct.pack(">H", way))], 8)


NAN = struct.pack(">d", float("nan")) * 3
ZERO_OF_ZERO = rationals((0, 0), (0, 0), (0, 0))
ODD = {
    "a position of 0/0": placed(ZERO_OF_ZERO, ZERO_OF_ZERO),
    "a position that is not a number": placed(NAN, NAN, DOUBLE),
    "a position of zero": placed(rationals((0, 1), (0, 1), (0, 1)), rationals((0, 1), (0, 1), (0, 1))),
    "a position beyond the pole": placed(rationals((123, 1), (0, 1), (0, 1)), rationals((106, 1), (39, 1), (0, 1))),
    "a position in no hemisphere": placed(rationals((29, 1), (1, 1), (0, 1)), rationals((106, 1), (39, 1), (0, 1)), refs=(b"Q\0", b"\xff\0")),
    "an honest position": placed(rationals((29, 1), (1, 1), (40, 1)), rationals((106, 1), (39, 1), (3, 1))),
    "orientation 0": oriented(0),
    "orientation 9": oriented(9),
    "orientation 65,535": oriented(65_535),
    "an orientation as text": HEAD + directory([(ORIENTATION, ASCII, b"6\0")], 8),
    "a directory that is its own next": HEAD + b"\0\0\0\0\0\x08",
    "a directory that is its own child": HEAD + directory([(0x8769, LONG, struct.pack(">I", 8))], 8),
    "two directories in a ring": HEAD + directory([(0x010F, ASCII, b"a\0")], 8, 26) + directory([(0x0110, ASCII, b"b\0")], 26, 8),
    "a directory behind the end": b"MM\0*\xff\xff\xff\xff",
    "a value of 4 GiB": HEAD + b"\0\1\x90\3\0\2\xff\xff\xff\xff\0\0\0\x10\0\0\0\0",
    "65,535 entries": HEAD + b"\xff\xff" + b"\1" * 60_000,
    "a kind of value that is none": HEAD + b"\0\1\1\x12\0\x63\0\0\0\1\0\6\0\0\0\0\0\0",
    "a time that never was": HEAD + directory([(0x9003, ASCII, b"2020:13:45 25:61:61\0")], 8),
    "nothing in them": b"",
}
