"""Spreadsheets in LibreOffice's flat XML: a line of JSON a file, with its rows of text and what in it would act by itself.

    python3 sheet.py BOOK.fods…

Knows nothing of this project.
"""

import json
import sys
from xml.etree import ElementTree

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
# What fetches something from elsewhere, or would with a click.
ACTING = {TEXT + "a", TABLE + "dde-link", TABLE + "cell-range-source", TABLE + "table-source"}
CELLS = {TABLE + "table-cell", TABLE + "covered-table-cell"}
# A sheet goes on to its last row and column as empty ones, written once: nobody needs those.
REPEATED_MAX = 100


def words(element):
    """An element's characters, with blanks and tabs that are written as elements."""
    said = element.text or ""
    for child in element:
        if child.tag == TEXT + "s":
            said += " " * int(child.get(TEXT + "c", "1"))
        elif child.tag == TEXT + "tab":
            said += "\t"
        else:
            said += words(child)
        said += child.tail or ""
    return said


def repeated(element, what):
    return int(element.get(f"{TABLE}number-{what}-repeated", "1"))


def cells(row):
    found = []
    for cell in (each for each in row if each.tag in CELLS):
        text = "\n".join(words(part) for part in cell.findall(TEXT + "p"))
        found += [text] * min(repeated(cell, "columns"), REPEATED_MAX)
    while found and not found[-1]:
        found.pop()
    return found


def book(path):
    every = list(ElementTree.parse(path).getroot().iter())
    rows = [cells(row) for row in every if row.tag == TABLE + "table-row"]
    return {
        "formulas": sum(TABLE + "formula" in element.attrib for element in every),
        "acting": sum(element.tag in ACTING for element in every),
        "rows": [row for row in rows if row],
    }


for each in sys.argv[1:]:
    print(json.dumps(book(each), ensure_ascii=False))
