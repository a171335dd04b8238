"""Spreadsheets that are damaged, and some that only look like one, each with what has to be said of it: `manifest.json` and the
files in FOLDER.

    python3 workbooks.py FOLDER

Made by hand from the parts a workbook has; knows nothing of this project but its codes and words.
"""

import io
import json
import sys
import zipfile
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KINDS = "application/vnd.openxmlformats-officedocument.spreadsheetml"
MIB = 1 << 20
# A sheet's data may stand behind any number of blanks.
BLANKS_MIB = 530
TITLES = ["街镇", "小区", "栋号", "使用性质", "建筑高度", "高度来源"]
GOOD = ["古南街道", "观音山苑", "1栋", "住宅", "54.5", "图纸"]


def cell(place, text):
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def row(number, texts):
    cells = "".join(cell(f"{chr(65 + at)}{number}", text) for at, text in enumerate(texts))
    return f'<row r="{number}">{cells}</row>'


HONEST = row(1, TITLES) + row(2, GOOD)


def sheet(rows):
    return f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def parts(page):
    """The parts of an honest workbook, with this for its one sheet."""
    def related(*targets):
        links = "".join(f'<Relationship Id="r{n}" Type="{OFFICE}/{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets))
        return f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'

    return {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{KINDS}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{KINDS}.worksheet+xml"/></Types>',
        "_rels/.rels": related(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="名单" sheetId="1" r:id="r0"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": related(("worksheet", "worksheets/sheet1.xml")),
        "xl/worksheets/sheet1.xml": page,
    }


def packed(members, how=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def book(rows=HONEST, more=()):
    return packed(parts(sheet(rows)) | dict(more))


def bomb():
    """Half a mebibyte that unpacks to more than five hundred."""
    begin, end = sheet(HONEST).split("<sheetData>")
    members, out = parts(""), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            with archive.open(name, "w") as member:
                if not name.endswith("sheet1.xml"):
                    member.write(content.encode())
                    continue
                member.write(begin.encode())
                for _ in range(BLANKS_MIB):
                    member.write(b" " * MIB)
                member.write(b"<sheetData>" + end.encode())
    return out.getvalue()


def flipped(data, part):
    """A workbook in whose part, which is kept unpacked, one letter is another one: its sum is wrong."""
    at = data.index(part.encode())
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1:]


def cases():
    """By name: the file, the code, and what else the words say: the place where there is one."""
    laughs = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)) + "]>"
    lines = "街镇,小区,栋号\n古南街道,观音山苑,1栋\n"
    return {
        "cut in half": (book()[:600], "damaged", "已损坏"),
        "a letter changed": (flipped(packed(parts(sheet(HONEST)), zipfile.ZIP_STORED), "观音山苑"), "damaged", "已损坏"),
        "a sheet that is not closed": (packed(parts(sheet(HONEST)[:-30])), "damaged", "已损坏"),
        "a sheet that is missing": (packed({name: it for name, it in parts("").items() if "sheet1" not in name}), "damaged", "已损坏"),
        "an archive that is no workbook": (packed({"word/document.xml": "<a/>"}), "not_a_table", "不是 xlsx 或 csv"),
        "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "not_a_table", "不是 xlsx 或 csv"),
        "a workbook of 1997, or one with a password": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_or_locked", "旧格式"),
        "a binary workbook": (book(more={"xl/workbook.bin": "x"}.items()), "old_or_locked", "旧格式"),
        "macros": (book(more={"xl/vbaProject.bin": "x"}.items()), "macros", "宏"),
        "a link to another file": (book(more={"xl/externalLinks/externalLink1.xml": "<a/>"}.items()), "external_links", "其他文件"),
        "a bomb": (bomb(), "bomb", "解压后过大"),
        "three thousand parts": (book(more={f"xl/media/{n}": "x" for n in range(3_000)}.items()), "bomb", "解压后过大"),
        "entities in entities": (packed(parts(laughs + sheet(row(1, TITLES) + row(2, ["&j;", *GOOD[1:]])).split("?>")[1])), "damaged", "已损坏"),
        "a cell far below": (book(HONEST + f'<row r="1048576">{cell("A1048576", "x")}</row>'), "too_many_rows", "第 50001 行"),
        "a cell far to the right": (book(row(1, TITLES) + f'<row r="2">{cell("XFD2", "x")}</row>'), "too_many_columns", "第 2 行CW列"),
        "a cell of ten thousand words": (book(row(1, TITLES) + row(2, [*GOOD[:5], "长" * 10_000])), "cell_too_long", "第 2 行F列"),
        "nothing in it": (book(""), "empty", "没有内容"),
        "no header": (book(row(1, ["姓名", "电话"]) + row(2, ["甲", "乙"])), "no_header", "找不到表头"),
        "text in two encodings": (lines.encode("gb18030") + b"\xb9\xc5,\xff\xff,1\n", "encoding", "第 3 行B列"),
        "text with an open quotation mark": (lines.encode() + "古南街道,\"观音山苑,2栋\n".encode(), "open_quote", "第 3 行B列"),
        "text in UTF-16 without its mark": (lines.encode("utf-16-le"), "not_a_table", "不是 xlsx 或 csv"),
        "a map that breaks off": (b'{"type":"FeatureCollection","features":[{"type":"Feature"', "not_geojson", "GeoJSON"),
    }


def main(folder):
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    (folder / "honest.xlsx").write_bytes(book())
    manifest = []
    for at, (name, (data, code, words)) in enumerate(cases().items()):
        (folder / f"{at}.bin").write_bytes(data)
        manifest.append({"name": name, "file": f"{at}.bin", "code": code, "words": words})
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False))


main(sys.argv[1])
