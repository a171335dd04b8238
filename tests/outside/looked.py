"""What is to be seen of pictures, and what else is in them: a line of JSON for the list on standard input.

    python looked.py < WANTED.json      [{"file": PATH, "like": PATH or null}, …]

Reads with Pillow and by walking the file's own segments; knows nothing of this project. `unlike` is how far the picture is from
the one named, that one held as its notes say: next to nothing when both stand the same way up.
"""

import json
import sys
import warnings

from PIL import Image, ImageChops, ImageOps, ImageStat

# Tables, frames, restart interval: what a picture needs. The rest is something else.
NEEDED = {0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD}
# The mark of JFIF without the small picture that it may carry.
JFIF_BYTES = 16
# Part of the height that is compared: a watermark stands below.
ABOVE_FOOT = 0.8
GRID = (24, 24)


def between(data, at):
    """Where the next marker stands behind a scan's bytes."""
    while not (data[at] == 0xFF and data[at + 1] not in (0, *range(0xD0, 0xD8))):
        at += 1
    return at


def more(data):
    """What is in a JPEG besides its picture, in words."""
    found, at = [], 2
    while data[at:at + 2] != b"\xff\xd9":
        marker, length = data[at + 1], int.from_bytes(data[at + 2:at + 4])
        bare = marker == 0xE0 and length == JFIF_BYTES
        if data[at] != 0xFF or not (marker in NEEDED or marker == 0xDA or bare):
            found.append(f"segment {data[at]:02x}{marker:02x} of {length} bytes")
        at += 2 + length
        if marker == 0xDA:
            at = between(data, at)
    behind = len(data) - at - 2
    return found + ([f"{behind} bytes behind its end"] if behind else [])


def fields(path):
    picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    width, height = picture.size
    return width / height, picture.crop((0, 0, width, max(1, int(height * ABOVE_FOOT)))).resize(GRID, Image.Resampling.BOX)


def unlike(path, other):
    (shape, mine), (wanted, theirs) = fields(path), fields(other)
    if abs(shape / wanted - 1) > 0.02:
        return 255.0
    return max(ImageStat.Stat(ImageChops.difference(mine, theirs)).mean)


def looked_at(wanted):
    path = wanted["file"]
    with open(path, "rb") as file:
        data = file.read()
    with Image.open(path) as picture:
        picture.load()
        seen = {"kind": picture.format, "width": picture.width, "height": picture.height}
        hidden = [name for name in picture.info if not name.startswith(("jfif", "dpi", "progressi"))]
        hidden += [f"note {tag}" for tag in picture.getexif()]
    if seen["kind"] == "JPEG":
        hidden += more(data)
    like = wanted["like"]
    return seen | {"more": hidden, "unlike": None if like is None else round(unlike(path, like), 1)}


if __name__ == "__main__":
    # Pictures of fifty megapixels are what this is about.
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    print(json.dumps([looked_at(each) for each in json.load(sys.stdin)]))
