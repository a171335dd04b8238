"""Hostile and odd pictures as strangers make them, with what must become of each: `manifest.json` and the files in FOLDER.

    python hostile.py FOLDER

Made with Pillow and by hand; knows nothing of this project but the codes of its answers. Of a file the manifest says what
comes of it as a photo (a bare JPEG, as phones send it), as a camera's original, and in a phone that develops it: "taken", or
why not; and whether it shows `scene.png`, which tells which way is up.
"""

import io
import json
import struct
import sys
import zipfile
import zlib
from pathlib import Path

from PIL import Image, ImageDraw

from odd_notes import ODD, notes, turned

# What a phone says for what the office says.
AT_A_PHONE = {"taken": "taken", "unsupported_image": "photo_format", "file_too_large": "photo_size",
              "image_too_large": "photo_size", "truncated": "photo_damaged", "damaged_image": "photo_damaged"}
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
# The longest side that a phone lets through.
SIDE_MAX = 2_048


def scene(width, height):
    """Four fields of four colours: no turning and no mirror leaves it as it is."""
    picture = Image.new("RGB", (width, height), (220, 30, 30))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((width // 2, 0, width, height // 2), (30, 180, 30))
    draw.rectangle((0, height // 2, width // 2, height), (30, 30, 220))
    draw.rectangle((width // 2, height // 2, width, height), (230, 220, 30))
    return picture


def saved(picture, kind, **how):
    out = io.BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def be16(*numbers):
    return struct.pack(f">{len(numbers)}H", *numbers)


def segment(marker, content):
    return bytes((0xFF, marker)) + be16(len(content) + 2) + content


def with_segment(jpeg, marker, content):
    return jpeg[:2] + segment(marker, content) + jpeg[2:]


def end_of_scan(jpeg, at):
    """Where the marker behind the scan stands that begins at or behind `at`."""
    at = jpeg.index(b"\xff\xda", at) + 2
    while not (jpeg[at] == 0xFF and jpeg[at + 1] not in (0, *range(0xD0, 0xD8))):
        at += 1
    return at


def between_scans(jpeg, marker, content):
    at = end_of_scan(jpeg, 0)
    return jpeg[:at] + segment(marker, content) + jpeg[at:]


def frame_of(jpeg):
    return next(jpeg.index(bytes((0xFF, sof))) for sof in (0xC0, 0xC2) if bytes((0xFF, sof)) in jpeg)


def claiming(jpeg, width, height):
    """The same JPEG with other sides in its frame."""
    at = frame_of(jpeg) + 5
    return jpeg[:at] + be16(height, width) + jpeg[at + 4:]


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def with_chunk(png, name, content):
    return png[:33] + chunk(name, content) + png[33:]


def png(width, height, depth, colour, pixels=b""):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def zeros(length):
    return zlib.compress(bytes(length), 9)


def riff(*chunks):
    body = b"WEBP" + b"".join(name + struct.pack("<I", len(it)) + it + b"\0" * (len(it) % 2) for name, it in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def lossless(width, height):
    """A whole lossless WebP of one colour: two dozen bytes, however large it is."""
    # Sides, no alpha, version; no transform, no cache, no meta codes; four codes of one symbol, and one for distances.
    fields = [(width - 1, 14), (height - 1, 14), (0, 1), (0, 3), (0, 1), (0, 1), (0, 1)]
    fields += [(1, 1), (0, 1), (1, 1), (200, 8)] * 4 + [(1, 1), (0, 1), (0, 1), (0, 1)]
    bits, at = 0, 0
    for value, width_of in fields:
        bits, at = bits | value << at, at + width_of
    return b"VP8L", b"\x2f" + bits.to_bytes((at + 7) // 8 + 4, "little")


def lossy_claiming(width, height):
    return b"VP8 ", b"\x10\x02\x00\x9d\x01\x2a" + struct.pack("<HH", width, height) + b"\x55" * 41


class Cases:
    """The files so far and what must become of each."""

    def __init__(self, folder):
        self.folder, self.manifest = folder, []

    def add(self, name, data, photo, original, shows=True):
        file = f"{len(self.manifest)}.bin"
        (self.folder / file).write_bytes(data)
        self.manifest.append({"name": name, "file": file, "photo": photo, "original": original,
                              "phone": AT_A_PHONE[original], "shows": shows and original == "taken"})

    def refused(self, code, files):
        for name, data in files.items():
            self.add(name, data, code, code)

    def more(self, files):
        """JPEGs with more in them than a picture: a phone takes it out, who sends it as a photo is refused."""
        for name, data in files.items():
            self.add(name, data, "not_plain", "taken")

    def others(self, files, shows=True):
        """Pictures in another format than photos have."""
        for name, data in files.items():
            self.add(name, data, "unsupported_image", "taken", shows)


def cut(cases, jpeg, progressive, png_file, webp):
    steps = {"jpeg": (jpeg, 1), "progressive": (progressive, 7), "png": (png_file, 9), "webp": (webp, 9)}
    for kind, (data, step) in steps.items():
        for percent in range(1, 100, step):
            rest = data[:len(data) * percent // 100]
            # Less than a dozen bytes do not even say what they are.
            code = "truncated" if len(rest) >= 12 else "unsupported_image"
            cases.add(f"{kind}, cut at {percent} %", rest, code, code)
        cases.add(f"{kind}, one byte short", data[:-1], "truncated", "truncated")


def bombs(cases, jpeg, progressive):
    head = progressive[:progressive.index(b"\xff\xda")]
    first = progressive[len(head):end_of_scan(progressive, 0)]
    apart = claiming(jpeg[:jpeg.index(b"\xff\xda")], 8_000, 6_000)
    apart += b"".join(segment(0xDA, bytes((1, id, 0, 0, 63, 0))) + b"\x55" for id in (1, 2, 3)) + b"\xff\xd9"
    canvas = (b"VP8X", b"\0\0\0\0\x0f\0\0\x0f\0\0")
    cases.refused("image_too_large", {
        "png that claims 100,000²": png(100_000, 100_000, 8, 2, zeros(9)),
        "png of 400 million whole pixels": png(20_000, 20_000, 1, 0, zeros(20_000 * 2_501)),
        "png of 12,001 × 1": png(12_001, 1, 8, 2, zeros(36_004)),
        "png of 49 megapixels of eight bytes": png(7_000, 7_000, 16, 6, zeros(9)),
        "webp of 268 million whole pixels": riff(lossless(16_383, 16_383)),
        "webp of 49 megapixels, lossless": riff(lossless(7_000, 7_000)),
        "webp that claims 16,383²": riff(lossy_claiming(16_383, 16_383)),
        "webp with a small canvas over 16,383²": riff(canvas, lossless(16_383, 16_383)),
        "jpeg that claims 65,500²": claiming(jpeg, 65_500, 65_500),
        "jpeg that claims 1 × 65,500": claiming(jpeg, 1, 65_500),
        "progressive that claims 60,000²": claiming(progressive, 60_000, 60_000),
        "progressive of 48 megapixels, whole": saved(scene(8_000, 6_000), "JPEG", progressive=True, quality=30),
        "jpeg of 48 megapixels, a scan a channel": apart,
        "jpeg of 33 scans": head + first * 33 + b"\xff\xd9",
    })
    small = saved(scene(200, 150), "PNG")
    texts = {"zTXt": b"Comment\0\0", "iTXt": b"XML:com.adobe.xmp\0\x01\0\0\0", "iCCP": b"profile\0\0"}
    cases.others({f"png with {name} of 108 MB": with_chunk(small, name.encode(), start + zeros(108_000_000))
                  for name, start in texts.items()})
    # Honest, and as large as may be: it shows that a worker's memory is seen.
    wide = saved(scene(8_000, 6_000), "JPEG", quality=50)
    cases.add("jpeg of 48 megapixels, honest", wide, "image_too_large", "taken")
    cases.add("jpeg a pixel too wide", saved(scene(SIDE_MAX + 1, 1_537), "JPEG"), "image_too_large", "taken")


def polyglots(cases, jpeg, progressive):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("META-INF/MANIFEST.MF", "Main-Class: A\n")
    png_file, webp = saved(scene(200, 150), "PNG"), saved(scene(200, 150), "WEBP")
    cases.more({
        "jpeg, then an archive": jpeg + archive.getvalue(),
        "jpeg, then a page": jpeg + PAGE,
        "jpeg, then a film": jpeg + b"\0\0\0\x18ftypmp42" + bytes(80),
        "jpeg, then a jpeg": jpeg + jpeg,
        "jpeg, then a byte": jpeg + b"\0",
        "jpeg with a page in a remark": with_segment(jpeg, 0xFE, PAGE),
        "jpeg with a page in a profile": with_segment(jpeg, 0xE2, PAGE),
        "jpeg with a document in a remark": with_segment(jpeg, 0xFE, b"%PDF-1.7\n" + PAGE),
        "jpeg with a script for a start": with_segment(jpeg, 0xFE, b"*/=1;alert(1)/*"),
        "jpeg with a small jpeg in its mark": jpeg[:2] + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\2\2" + bytes(12)) + jpeg[20:],
        "jpeg with a page behind its scan": jpeg[:-2] + segment(0xFE, PAGE) + jpeg[-2:],
        "progressive with a page between scans": between_scans(progressive, 0xFE, PAGE),
        "progressive with a profile between scans": between_scans(progressive, 0xE2, PAGE),
    })
    for name, odd in {"for an interval": (0xDD, PAGE), "behind its tables": (0xDB, bytes((3, *[1] * 64)) + PAGE)}.items():
        cases.add(f"jpeg with a page {name}", jpeg[:-2] + segment(*odd) + jpeg[-2:], "not_plain", "damaged_image")
    cases.others({
        "png, then a program": png_file + b"<?php system($_GET[0]); ?>",
        "png with a page in a text": with_chunk(png_file, b"tEXt", b"Comment\0" + PAGE),
        "webp, then a page": webp + PAGE,
    })
    cases.refused("unsupported_image", {
        "gif that is a script": b"GIF89a=1;alert(1);//" + saved(scene(60, 40), "GIF")[6:],
        "document around a jpeg": saved(scene(200, 150), "PDF"),
        "archive with a jpeg in it": archive.getvalue() + jpeg,
        "page with a jpeg in it": PAGE + jpeg,
    })


def other_formats(cases):
    small = scene(60, 40)
    frames = {"save_all": True, "append_images": [Image.new("RGB", (60, 40))]}
    cases.refused("unsupported_image", {
        **{kind: saved(small, kind) for kind in ("GIF", "BMP", "TIFF", "ICO", "JPEG2000", "AVIF", "PPM", "TGA", "EPS")},
        "gif that moves": saved(small, "GIF", **frames),
        "webp that moves": saved(small, "WEBP", **frames),
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "svg that reads a file": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
        "program for Linux": b"\x7fELF\x02\x01\x01" + bytes(200),
        "program for Windows": b"MZ\x90\0" + bytes(200),
        "photoshop": b"8BPS\0\1" + bytes(200),
        "text": "这不是照片。".encode() * 20,
        "page": PAGE,
        "one byte": b"\xff",
    })


def contradictions(cases, jpeg):
    png_file, webp = saved(scene(200, 150), "PNG"), saved(scene(200, 150), "WEBP")
    at = frame_of(jpeg)
    cases.refused("damaged_image", {
        "jpeg that ends at once": b"\xff\xd8\xff\xd9",
        "jpeg without a frame": b"\xff\xd8" + segment(0xDA, bytes((1, 1, 0, 0, 63, 0))) + b"\x12\xff\xd9",
        "jpeg without width": claiming(jpeg, 0, 150),
        "jpeg with two frames": jpeg[:at] + jpeg[at:at + 19] + jpeg[at:],
        "jpeg with a segment of length 1": jpeg[:4] + b"\0\1" + jpeg[6:],
        "png without pixels": png_file[:33] + chunk(b"IEND", b""),
        "png with a wrong sum": png_file[:29] + bytes(4) + png_file[33:],
        "png without width": png(0, 9, 8, 2, zeros(9)),
        "png whose header comes late": png_file[:8] + chunk(b"IDAT", b"x") + png_file[8:],
        "webp with a chunk beyond its end": webp[:16] + b"\xff\xff\xff\x7f" + webp[20:],
        "webp without pixels": riff((b"JUNK", b"")),
        "webp with a small canvas over a larger picture": riff((b"VP8X", b"\0\0\0\0\x0f\0\0\x0f\0\0"), lossless(900, 900)),
    })
    cases.refused("truncated", {
        "jpeg that says nothing": b"\xff\xd8\xff",
        "jpeg of noise": b"\xff\xd8\xff" + b"\xa5" * 500,
        "png with a chunk of 4 GiB": png_file[:33] + b"\xff\xff\xff\xff" + png_file[37:],
        "webp that promises more": webp[:4] + b"\xff\xff\xff\x7f" + webp[8:],
    })


def main(folder):
    cases = Cases(Path(folder))
    cases.folder.mkdir(exist_ok=True)
    plain = scene(800, 600)
    plain.save(cases.folder / "scene.png")
    jpeg, progressive = saved(plain, "JPEG"), saved(plain, "JPEG", progressive=True)
    cases.add("jpeg, plain", jpeg, "taken", "taken")
    cases.add("progressive, plain", progressive, "taken", "taken")
    cut(cases, jpeg, progressive, saved(plain, "PNG"), saved(plain, "WEBP", lossless=True))
    bombs(cases, jpeg, progressive)
    polyglots(cases, jpeg, progressive)
    other_formats(cases)
    contradictions(cases, jpeg)
    cases.more({f"jpeg with {name}": with_segment(jpeg, 0xE1, b"Exif\0\0" + it) for name, it in ODD.items()})
    cases.more({"jpeg with two notes": with_segment(with_segment(jpeg, 0xE1, b"Exif\0\0II*\0"), 0xE1, b"Exif\0\0" + notes())})
    cases.more({"progressive with notes between scans": between_scans(progressive, 0xE1, b"Exif\0\0" + notes())})
    cases.more({"jpeg with a packet of XMP": with_segment(jpeg, 0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>")})
    cases.others({"png with notes of 1 MiB": with_chunk(saved(plain, "PNG"), b"eXIf", bytes(1 << 20))})
    for way in range(1, 9):
        # With nothing that says how it is held: the wrong way up.
        turned(plain, way).save(cases.folder / f"held-{way}.png")
        held = with_segment(saved(turned(scene(2_400, 1_800), way), "JPEG"), 0xE1, b"Exif\0\0" + notes(way))
        cases.add(f"jpeg held in way {way}", held, "image_too_large", "taken")
    cases.others({f"png held in way {way}": with_chunk(saved(turned(plain, way), "PNG"), b"eXIf", notes(way)) for way in (3, 6)})
    cases.others({"webp held in way 8": saved(turned(plain, 8), "WEBP", exif=b"Exif\0\0" + notes(8))})
    cases.more({"jpeg in four inks": saved(plain.convert("CMYK"), "JPEG")})
    (cases.folder / "manifest.json").write_text(json.dumps(cases.manifest, ensure_ascii=False))


main(sys.argv[1])
