#!/usr/bin/env python3
"""Count the replayed inspections a second time, without the product's code.

The product replays real inspections of high-rise buildings through phones and
server and prints monthly figures. This script reaches the same figures from the
raw file, so that a mistake on either side shows as a difference. It was written
from MAPPING.md, which lists the five files it reads, and shares neither code nor
any file with the product. It refuses to guess:
a row it cannot read, a code it does not know or a street list that does not fit
ends the run with a sentence and exit status 2, before anything is written.

Python 3.9 or later, standard library only; `.zst` files need the `zstd` program.

    independent_count.py                      figures as JSON on standard output
    independent_count.py --out figures.json --facts facts.jsonl

All instants are whole milliseconds since 1970-01-01T00:00:00Z. No floats anywhere.
"""

import argparse
import csv
import datetime as dt
import hashlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "tests" / "data"
INSPECTIONS = DATA / "highrise_inspections.csv.zst"
CODE_MAP = DATA / "toronto_code_map.csv"
VILLAGES = DATA / "500110_villages.csv"
STREETS = DATA / "500110_streets.csv"
TAXONOMY = DATA / "hazard_taxonomy.csv"

CUT_OFFS_ON = ("2020-03-31", "2020-06-30", "2020-09-23", "2020-12-31")
FIGURES = ("rounds", "hazards_found", "disposed", "closed", "overdue")

EPOCH = dt.datetime(1970, 1, 1)
DAY_MS = 86_400_000
SHANGHAI_MS = 8 * 3_600_000  # Asia/Shanghai is +08:00 all year; no summer time since 1991

OTHER_FACILITY_HAZARD = "H4.99"  # what an unmapped violation becomes
SAME_DAY_DISPOSITIONS = frozenset({"D1", "D2", "D3", "D4", "D5"})
DAYS_TO_RECTIFY = 30
STREET_HASH_PREFIX = "louan/replay/street/v1\n"

ADDRESS, OPENED, CLOSED = "propertyAddress", "inspections.OpenedDate", "Inspections.ClosedDate"
VIOLATION, FIRE_CODE = "violations.violationDescription", "violations.violationFireCode"


class Refused(Exception):
    """An input this script will not interpret; the text is for the reader."""


class Street(NamedTuple):
    """One of the 21 streets and towns of the programme."""

    code: str
    name: str
    seed_row_no: int
    communities: int  # its weight: how many residents' committees (居委会) it has


class Visit(NamedTuple):
    """One visit to one building; it counts as one round."""

    number: int  # 1, 2, 3 … in the order of first appearance in the file
    address: str
    street_code: str
    opened_source: str
    closed_source: str
    opened_ms: int
    closed_ms: int


class Hazard(NamedTuple):
    """One violation row."""

    row_id: str
    visit: int
    street_code: str
    code: str
    text: str  # the file's own words, without white space at their ends
    due_on: dt.date
    found_ms: int
    deadline_ms: int  # the first instant at which it is late
    closed_ms: int  # disposed and closed at the same instant


# ---- time -----------------------------------------------------------------------


def source_ms(text):
    """A source time, which carries no zone, read as if it were UTC."""
    try:
        since = dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S") - EPOCH
    except ValueError:
        raise Refused(f"{text!r} is not a time like 2017-01-26T09:45:44") from None
    return since.days * DAY_MS + since.seconds * 1000


SRC0, SRC1 = source_ms("2017-01-02T00:00:00"), source_ms("2019-09-07T00:00:00")
DST0 = source_ms("2020-01-21T00:00:00") - SHANGHAI_MS
DST1 = source_ms("2021-01-01T00:00:00") - SHANGHAI_MS


def mapped_ms(text):
    """A source time squeezed linearly into the programme's year, rounded down."""
    return DST0 + (source_ms(text) - SRC0) * (DST1 - DST0) // (SRC1 - SRC0)


def civil_on(instant_ms):
    """The calendar day in Chongqing at that instant."""
    return (EPOCH + dt.timedelta(days=(instant_ms + SHANGHAI_MS) // DAY_MS)).date()


def midnight_after_ms(day):
    """24:00 in Chongqing of that day: the first instant that is no longer the day."""
    return (day - EPOCH.date()).days * DAY_MS + DAY_MS - SHANGHAI_MS


def rfc3339(instant_ms):
    """An instant as Chongqing writes it, to the millisecond."""
    local = EPOCH + dt.timedelta(milliseconds=instant_ms + SHANGHAI_MS)
    return local.isoformat(timespec="milliseconds") + "+08:00"


# ---- inputs ---------------------------------------------------------------------


def file_bytes(path):
    """The bytes of a file, decompressed when its name ends in .zst."""
    path = Path(path)
    if not path.is_file():
        raise Refused(f"{path} does not exist")
    if path.suffix != ".zst":
        return path.read_bytes()
    program = shutil.which("zstd")
    if program is None:
        raise Refused(
            f"cannot read {path.name}: the zstd program is missing. "
            "Nothing was written. Install the Debian package 'zstd' and run again."
        )
    done = subprocess.run([program, "-dcq", "--", str(path)], capture_output=True, check=False)
    if done.returncode != 0:
        raise Refused(f"zstd could not read {path.name}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def table(path, *needed):
    """The rows of a CSV file with a header; nothing is trimmed."""
    text = io.StringIO(file_bytes(path).decode("utf-8"), newline="")
    reader = csv.DictReader(text, strict=True)
    if missing := [name for name in needed if name not in (reader.fieldnames or ())]:
        raise Refused(f"{Path(path).name} lacks the column(s) {', '.join(missing)}")
    return list(reader)


def load_streets(streets_path, villages_path):
    """The programme's streets in order of code, weighted by their 居委会.

    A 居委会 is told by its code: the last three of twelve digits are 001–199.
    """
    communities = {}
    for row in table(villages_path, "code"):
        code = row["code"]
        if len(code) != 12 or not code.isdigit():
            raise Refused(f"{code!r} is not a twelve-digit code")
        if 1 <= int(code[9:]) <= 199:
            communities[code[:9]] = communities.get(code[:9], 0) + 1
    streets = [
        Street(row["code"], row["name"], int(row["seed_row_no"]), communities.get(row["code"], 0))
        for row in table(streets_path, "code", "name", "in_seed_21", "seed_row_no")
        if row["in_seed_21"] == "1"
    ]
    streets.sort(key=lambda street: street.code)
    if not sum(street.communities for street in streets):
        raise Refused("no street of the programme has a residents' committee")
    return streets


def load_code_map(path):
    """Violation text → hazard code. Returns the exact map and the one by trimmed text."""
    exact, trimmed = {}, {}
    for row in table(path, "violation_description", "hazard_code"):
        text, code = row["violation_description"], row["hazard_code"].strip()
        if exact.setdefault(text, code) != code or trimmed.setdefault(text.strip(), code) != code:
            raise Refused(f"the code map gives two codes for {text!r}")
    return exact, trimmed


def load_dispositions(path):
    """Hazard code → disposition (D1–D9)."""
    return {row["code"]: row["disposition"] for row in table(path, "code", "disposition")}


# ---- the mapping ----------------------------------------------------------------


def street_of(address, streets):
    """The street a building is placed in; it depends on the address alone."""
    digest = hashlib.sha256((STREET_HASH_PREFIX + address).encode("utf-8")).digest()
    left = int.from_bytes(digest[:8], "big") % sum(street.communities for street in streets)
    for street in streets:
        if left < street.communities:
            return street
        left -= street.communities
    raise AssertionError("a remainder lies below the sum of the weights")


def hazard_code(violation, code_map):
    """The hazard code of a violation text; what the map leaves open is H4.99."""
    exact, trimmed = code_map
    found = exact[violation] if violation in exact else trimmed.get(violation.strip(), "")
    return found or OTHER_FACILITY_HAZARD


def due_on(code, found_ms, dispositions):
    """The last day on which the hazard may still be closed in time."""
    if code not in dispositions:
        raise Refused(f"hazard code {code} is not in the taxonomy")
    found_on = civil_on(found_ms)
    if dispositions[code] in SAME_DAY_DISPOSITIONS:
        return found_on
    return found_on + dt.timedelta(days=DAYS_TO_RECTIFY)


def derive(rows, streets, code_map, dispositions):
    """Rows of the inspection file → visits and hazards."""
    grouped = {}
    for row in rows:
        if not (row[ADDRESS] and row[OPENED] and row[CLOSED]):
            raise Refused(f"row {row['_id']} lacks an address, an opening or a closing time")
        grouped.setdefault((row[ADDRESS], row[OPENED]), []).append(row)
    visits, hazards = [], []
    for number, ((address, opened), visit_rows) in enumerate(grouped.items(), start=1):
        # Last closing wins: the latest by time, not by place in the file.
        closed = max((row[CLOSED] for row in visit_rows), key=source_ms)
        if source_ms(closed) < source_ms(opened):
            raise Refused(f"the visit to {address!r} of {opened} closes before it opens")
        street = street_of(address, streets).code
        visit = Visit(number, address, street, opened, closed, mapped_ms(opened), mapped_ms(closed))
        visits.append(visit)
        for row in visit_rows:
            if not (row[VIOLATION].strip() or row[FIRE_CODE].strip()):
                continue
            code = hazard_code(row[VIOLATION], code_map)
            due = due_on(code, visit.opened_ms, dispositions)
            hazards.append(
                Hazard(
                    row["_id"], number, street, code, row[VIOLATION].strip(), due,
                    visit.opened_ms, midnight_after_ms(due), visit.closed_ms,
                )
            )
    return visits, hazards


# ---- the count ------------------------------------------------------------------


def count(visits, hazards, cut_off_ms):
    """The five figures at an instant. An event at the instant itself is not counted."""
    found = [hazard for hazard in hazards if hazard.found_ms < cut_off_ms]
    open_still = [hazard for hazard in found if not hazard.closed_ms < cut_off_ms]
    disposed = sum(1 for hazard in hazards if hazard.closed_ms < cut_off_ms)
    return {
        "rounds": sum(1 for visit in visits if visit.opened_ms < cut_off_ms),
        "hazards_found": len(found),
        "disposed": disposed,
        "closed": disposed,
        "overdue": sum(1 for hazard in open_still if hazard.deadline_ms <= cut_off_ms),
    }


def figures(visits, hazards, streets, cut_offs_on=CUT_OFFS_ON):
    """For each cut-off day: one row a street, in programme order, and the total."""
    cut_offs = []
    for text in cut_offs_on:
        cut_off_ms = midnight_after_ms(dt.date.fromisoformat(text))
        rows = []
        for street in sorted(streets, key=lambda street: street.seed_row_no):
            here = street.code
            visits_here = [visit for visit in visits if visit.street_code == here]
            hazards_here = [hazard for hazard in hazards if hazard.street_code == here]
            row = {"seed_row_no": street.seed_row_no, "street_code": here, "street": street.name}
            rows.append(row | count(visits_here, hazards_here, cut_off_ms))
        # Counted anew, not added up, so that a row lost between streets shows.
        total = count(visits, hazards, cut_off_ms)
        cut_offs.append({"as_of_on": text, "before_ms": cut_off_ms, "rows": rows, "total": total})
    return cut_offs


# ---- output ---------------------------------------------------------------------


def visit_facts(visit):
    return {
        "kind": "visit",
        "visit": visit.number,
        "address": visit.address,
        "street_code": visit.street_code,
        "opened_source": visit.opened_source,
        "closed_source": visit.closed_source,
        "opened_ms": visit.opened_ms,
        "opened_at": rfc3339(visit.opened_ms),
        "closed_ms": visit.closed_ms,
        "closed_at": rfc3339(visit.closed_ms),
    }


def hazard_facts(hazard):
    return {
        "kind": "hazard",
        "row_id": hazard.row_id,
        "visit": hazard.visit,
        "street_code": hazard.street_code,
        "hazard_code": hazard.code,
        "text": hazard.text,
        "found_ms": hazard.found_ms,
        "due_on": hazard.due_on.isoformat(),
        "deadline_ms": hazard.deadline_ms,
        "disposed_ms": hazard.closed_ms,
        "closed_ms": hazard.closed_ms,
    }


def facts_lines(visits, hazards):
    """Each visit, followed by its hazards, one JSON object a line."""
    by_visit = {}
    for hazard in hazards:
        by_visit.setdefault(hazard.visit, []).append(hazard)
    for visit in visits:
        facts = [visit_facts(visit)] + [hazard_facts(hazard) for hazard in by_visit.get(visit.number, ())]
        yield from (json.dumps(fact, ensure_ascii=False) + "\n" for fact in facts)


def source_of(path):
    """Which file was read and what was in it, without naming the machine."""
    path = Path(path).resolve()
    inside = path.is_relative_to(REPOSITORY)
    name = path.relative_to(REPOSITORY).as_posix() if inside else path.name
    return {"file": name, "content_sha256": hashlib.sha256(file_bytes(path)).hexdigest()}


def replay(inspections=INSPECTIONS, code_map=CODE_MAP, taxonomy=TAXONOMY, villages=VILLAGES, streets=STREETS):
    """Everything from the files to (result, visits, hazards)."""
    programme = load_streets(streets, villages)
    rows = table(inspections, "_id", ADDRESS, OPENED, CLOSED, VIOLATION, FIRE_CODE)
    visits, hazards = derive(rows, programme, load_code_map(code_map), load_dispositions(taxonomy))
    read = {"inspections": inspections, "code_map": code_map, "taxonomy": taxonomy}
    read.update(villages=villages, streets=streets)
    result = {
        "format": "louan/replay/figures/v1",
        "inputs": {name: source_of(path) for name, path in read.items()},
        "facts": {
            "visits": len(visits),
            "buildings": len({visit.address for visit in visits}),
            "hazards": len(hazards),
        },
        "cut_offs": figures(visits, hazards, programme),
    }
    return result, visits, hazards


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Count the replayed inspections independently of the product.")
    parser.add_argument("--inspections", default=INSPECTIONS, help="inspection file, .csv or .csv.zst")
    parser.add_argument("--code-map", default=CODE_MAP)
    parser.add_argument("--taxonomy", default=TAXONOMY, help="hazard taxonomy with the columns code and disposition")
    parser.add_argument("--villages", default=VILLAGES)
    parser.add_argument("--streets", default=STREETS)
    parser.add_argument("--out", metavar="FILE", help="write the figures here, not to standard output")
    parser.add_argument("--facts", metavar="FILE.jsonl", help="also write what was derived for every visit and hazard")
    given = parser.parse_args(arguments)
    try:
        result, visits, hazards = replay(
            given.inspections, given.code_map, given.taxonomy, given.villages, given.streets
        )
    except Refused as refusal:
        print(f"independent_count: {refusal}", file=sys.stderr)
        return 2
    text = json.dumps(result, ensure_ascii=False, indent=1) + "\n"
    if given.facts:
        with open(given.facts, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(facts_lines(visits, hazards))
    if given.out:
        Path(given.out).write_text(text, encoding="utf-8", newline="\n")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
