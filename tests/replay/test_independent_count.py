#!/usr/bin/env python3
"""What independent_count.py promises, on a file small enough to check by hand and on the real one.

Run it as it is, or with `python3 -m unittest discover -s tests/replay`. Python 3.11
or later, standard library only; the real file needs the `zstd` program, and these tests never skip.
"""

import contextlib
import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import unittest
from pathlib import Path
from unittest import mock

import independent_count as ic

HERE = Path(__file__).resolve().parent

# 489 source days become 173 days of the programme, so this source time is
# 2020-07-12T00:00:00+08:00 to the millisecond: 24:00 of MINI_CUT_OFF_ON.
MINI_CUT_OFF_ON = "2020-07-11"
AT_CUT_OFF = "2018-05-06T00:00:00"
JUST_BEFORE = "2018-05-05T23:51:51"  # 489 s earlier, 173 s in the programme: 23:57:07

# Two programme streets of weight 1 each and one that does not belong. With a sum of
# 2 the last bit of the hash decides; `sha256sum` ends the first eight bytes of
# 10 First St in …d9e2, of 30 Third St in …422e, of 40 Fourth St in …ff69.
MINI_STREETS = "code,name,in_seed_21,seed_row_no\n500110900,外镇,0,\n500110002,乙镇,1,1\n500110001,甲镇,1,2\n"
MINI_VILLAGES = "code\n500110001001\n500110001200\n500110002199\n500110002201\n500110900001\n500110900002\n"
MINI_CODES = "violation_description,hazard_code\nstair blocked,H1.06\nalarm dead ,H4.04\nodd,\n"
MINI_TAXONOMY = "code,disposition\nH1.06,D1\nH4.04,D6\nH4.99,D6\n"
FIRST, THIRD, FOURTH = "10 First St", "30 Third St", "40 Fourth St"

MINI_ROWS = [
    # (address, opened, closed, violation)
    (FIRST, AT_CUT_OFF, AT_CUT_OFF, "stair blocked"),  # opened exactly at the cut-off: not yet
    (FIRST, JUST_BEFORE, AT_CUT_OFF, "stair blocked"),  # due the same day, closed at the cut-off: overdue
    (FIRST, JUST_BEFORE, AT_CUT_OFF, "stair blocked"),  # the same again: two hazards
    (FOURTH, "2018-02-08T17:54:00", "2019-01-01T00:00:00", "alarm dead"),  # found 06-11, due 07-11: overdue
    (FOURTH, "2018-02-11T11:06:00", "2019-01-01T00:00:00", " odd "),  # found 06-12, due 07-12: not yet overdue
    (FOURTH, "2017-01-02T00:00:00", "2017-01-02T00:00:00", ""),  # a round without hazards
    (THIRD, "2017-06-01T08:00:00", "2017-06-02T08:00:00", "alarm dead"),  # one visit, two closings …
    (THIRD, "2017-06-01T08:00:00", "2018-05-06T00:00:00", "never heard of"),  # … of which the last wins
    (THIRD, "2018-04-01T00:00:00", JUST_BEFORE, "stair blocked"),  # late, but disposed before the cut-off
]


class Files(unittest.TestCase):
    """Writes the small inputs into a folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.inputs = {
            "inspections": self.write("inspections.csv", self.inspections(MINI_ROWS)),
            "code_map": self.write("codes.csv", MINI_CODES),
            "taxonomy": self.write("taxonomy.csv", MINI_TAXONOMY),
            "villages": self.write("villages.csv", MINI_VILLAGES),
            "streets": self.write("streets.csv", MINI_STREETS),
        }

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    @staticmethod
    def inspections(rows):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["_id", ic.ADDRESS, ic.OPENED, ic.CLOSED, ic.VIOLATION, ic.FIRE_CODE])
        for number, (address, opened, closed, violation) in enumerate(rows, start=1):
            writer.writerow([number, address, opened, closed, violation, ""])
        return text.getvalue()

    def count_rows(self, rows, on=MINI_CUT_OFF_ON):
        """The total row at one cut-off."""
        self.inputs["inspections"] = self.write("inspections.csv", self.inspections(rows))
        return self.cut_off(on)["total"]

    def cut_off(self, on=MINI_CUT_OFF_ON):
        _, visits, hazards = ic.replay(**self.inputs)
        streets = ic.load_streets(self.inputs["streets"], self.inputs["villages"])
        return ic.figures(visits, hazards, streets, [on])[0]


class MiniFile(Files):
    def test_the_small_file_gives_the_figures_worked_out_by_hand(self):
        at = self.cut_off()
        rows = {row["street"]: tuple(row[name] for name in ic.FIGURES) for row in at["rows"]}
        self.assertEqual(rows["甲镇"], (3, 5, 1, 1, 4))  # 10 First St and 30 Third St
        self.assertEqual(rows["乙镇"], (3, 2, 0, 0, 1))  # 40 Fourth St
        self.assertEqual(tuple(at["total"][name] for name in ic.FIGURES), (6, 7, 1, 1, 5))

    def test_rows_stand_in_programme_order_and_an_outside_street_has_none(self):
        self.assertEqual([row["street"] for row in self.cut_off()["rows"]], ["乙镇", "甲镇"])

    def test_an_opening_exactly_at_the_cut_off_is_not_counted(self):
        self.assertEqual(self.count_rows([(FIRST, AT_CUT_OFF, AT_CUT_OFF, "odd")])["rounds"], 0)
        self.assertEqual(self.count_rows([(FIRST, JUST_BEFORE, AT_CUT_OFF, "odd")])["rounds"], 1)

    def test_a_closing_exactly_at_the_cut_off_is_not_counted(self):
        late = self.count_rows([(FIRST, JUST_BEFORE, AT_CUT_OFF, "odd")])
        self.assertEqual((late["hazards_found"], late["disposed"], late["closed"]), (1, 0, 0))
        early = self.count_rows([(FIRST, JUST_BEFORE, JUST_BEFORE, "odd")])
        self.assertEqual((early["hazards_found"], early["disposed"], early["closed"]), (1, 1, 1))

    def test_a_hazard_due_on_the_cut_off_day_is_overdue_at_its_midnight(self):
        self.assertEqual(self.count_rows([(FIRST, JUST_BEFORE, AT_CUT_OFF, "stair blocked")])["overdue"], 1)

    def test_a_hazard_due_the_day_after_the_cut_off_is_not_overdue(self):
        row = (FOURTH, "2018-02-11T11:06:00", "2019-01-01T00:00:00", "odd")
        self.assertEqual(self.count_rows([row])["overdue"], 0)
        self.assertEqual(self.count_rows([row], on="2020-07-12")["overdue"], 1)

    def test_a_hazard_disposed_late_is_no_longer_overdue(self):
        total = self.count_rows([(THIRD, "2018-04-01T00:00:00", JUST_BEFORE, "stair blocked")])
        self.assertEqual((total["closed"], total["overdue"]), (1, 0))

    def test_equal_rows_are_as_many_hazards_of_one_visit(self):
        total = self.count_rows([(FIRST, JUST_BEFORE, AT_CUT_OFF, "odd")] * 3)
        self.assertEqual((total["rounds"], total["hazards_found"]), (1, 3))

    def test_the_last_closing_of_a_visit_closes_all_its_rows(self):
        early, late = "2017-06-02T08:00:00", AT_CUT_OFF
        for closings in ((early, late), (late, early)):
            rows = [(THIRD, "2017-06-01T08:00:00", closed, "odd") for closed in closings]
            self.assertEqual(self.count_rows(rows)["closed"], 0)

    def test_the_last_closing_may_stand_on_a_row_without_a_violation(self):
        rows = [
            (THIRD, "2017-06-01T08:00:00", "2017-06-02T08:00:00", "odd"),
            (THIRD, "2017-06-01T08:00:00", AT_CUT_OFF, ""),
        ]
        self.assertEqual(self.count_rows(rows)["closed"], 0)


class Mapping(Files):
    def test_the_ends_of_the_source_meet_the_ends_of_the_programme(self):
        self.assertEqual(ic.rfc3339(ic.mapped_ms("2017-01-02T00:00:00")), "2020-01-21T00:00:00.000+08:00")
        self.assertEqual(ic.rfc3339(ic.mapped_ms("2019-09-07T00:00:00")), "2021-01-01T00:00:00.000+08:00")
        self.assertEqual(ic.rfc3339(ic.mapped_ms(AT_CUT_OFF)), "2020-07-12T00:00:00.000+08:00")

    def test_a_mapped_time_is_rounded_down(self):
        # One source second is 173/489 s = 353.78… ms; one before the start is −353.78… ms.
        self.assertEqual(ic.mapped_ms("2017-01-02T00:00:01") - ic.DST0, 353)
        self.assertEqual(ic.mapped_ms("2017-01-01T23:59:59") - ic.DST0, -354)

    def test_the_reduced_ratio_173_to_489_gives_the_same_instant(self):
        for text in ("2017-01-02T00:00:01", "2018-02-28T23:59:59", "2019-09-06T15:25:31"):
            self.assertEqual(ic.mapped_ms(text), ic.DST0 + (ic.source_ms(text) - ic.SRC0) * 173 // 489)

    def test_the_day_is_the_day_in_chongqing(self):
        late_evening = ic.source_ms("2020-03-31T16:00:00")  # UTC
        self.assertEqual(ic.civil_on(late_evening).isoformat(), "2020-04-01")
        self.assertEqual(ic.civil_on(late_evening - 1).isoformat(), "2020-03-31")
        self.assertEqual(ic.midnight_after_ms(ic.civil_on(late_evening - 1)), late_evening)

    def test_d1_to_d5_are_due_the_same_day_and_the_rest_after_thirty(self):
        found = ic.source_ms("2020-02-01T04:00:00")
        for number in range(1, 10):
            due = ic.due_on("H", found, {"H": f"D{number}"}).isoformat()
            self.assertEqual(due, "2020-02-01" if number <= 5 else "2020-03-02")

    def test_a_violation_is_looked_up_exactly_then_trimmed_then_is_other(self):
        code_map = ic.load_code_map(self.inputs["code_map"])
        for text, code in [("stair blocked", "H1.06"), ("alarm dead", "H4.04"), (" stair blocked ", "H1.06")]:
            self.assertEqual(ic.hazard_code(text, code_map), code)
        for text in ("odd", "never heard of", "Stair blocked", ""):
            self.assertEqual(ic.hazard_code(text, code_map), "H4.99")

    def test_a_fire_code_without_a_description_is_a_hazard(self):
        text = f"_id,{ic.ADDRESS},{ic.OPENED},{ic.CLOSED},{ic.VIOLATION},{ic.FIRE_CODE}\n"
        text += f"1,{FIRST},{JUST_BEFORE},{JUST_BEFORE},,2.4\n"
        self.inputs["inspections"] = self.write("inspections.csv", text)
        _, _, hazards = ic.replay(**self.inputs)
        self.assertEqual([hazard.code for hazard in hazards], ["H4.99"])

    def test_a_street_weighs_as_many_committees_as_it_has_by_code(self):
        streets = ic.load_streets(self.inputs["streets"], self.inputs["villages"])
        self.assertEqual([(s.code, s.communities) for s in streets], [("500110001", 1), ("500110002", 1)])


class Refusals(Files):
    def refusal(self, rows):
        self.inputs["inspections"] = self.write("inspections.csv", self.inspections(rows))
        with self.assertRaises(ic.Refused) as caught:
            ic.replay(**self.inputs)
        return str(caught.exception)

    def test_a_row_that_cannot_be_read_ends_the_run(self):
        self.assertIn("closing time", self.refusal([(FIRST, JUST_BEFORE, "", "odd")]))
        self.assertIn("not a time", self.refusal([(FIRST, "2018-05-05", JUST_BEFORE, "odd")]))
        self.assertIn("closes before it opens", self.refusal([(FIRST, AT_CUT_OFF, JUST_BEFORE, "odd")]))

    def test_a_code_outside_the_taxonomy_ends_the_run(self):
        self.write("taxonomy.csv", "code,disposition\nH1.06,D1\n")
        self.assertIn("H4.99 is not in the taxonomy", self.refusal([(FIRST, JUST_BEFORE, JUST_BEFORE, "odd")]))

    def test_a_map_with_two_codes_for_one_text_ends_the_run(self):
        self.write("codes.csv", MINI_CODES + "stair blocked ,H4.04\n")
        self.assertIn("two codes", self.refusal(MINI_ROWS))

    def test_without_zstd_the_run_names_the_package_and_writes_nothing(self):
        out, errors = self.folder / "figures.json", io.StringIO()
        with mock.patch.object(ic.shutil, "which", return_value=None), contextlib.redirect_stderr(errors):
            status = ic.main(["--out", str(out)])
        self.assertEqual((status, out.exists()), (2, False))
        self.assertIn("Debian package 'zstd'", errors.getvalue())


class RealFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.result, cls.visits, cls.hazards = ic.replay()
        cls.at = cls.result["cut_offs"]

    def test_the_shipped_files_are_the_ones_listed(self):
        lines = (ic.DATA / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
        read = {ic.INSPECTIONS, ic.CODE_MAP, ic.VILLAGES, ic.STREETS, ic.TAXONOMY}
        self.assertLessEqual({path.name for path in read}, set(listed))
        for name, digest in listed.items():
            self.assertEqual(hashlib.sha256((ic.DATA / name).read_bytes()).hexdigest(), digest, name)

    def test_the_products_taxonomy_and_the_copy_agree_on_every_disposition(self):
        policy = ic.REPOSITORY / "schema" / "policy" / "qijiang-2020" / "hazards.toml"
        leaves = tomllib.loads(policy.read_text(encoding="utf-8"))["hazard"]
        product = {leaf["code"]: leaf["disposition"] for leaf in leaves}
        self.assertEqual((len(leaves), len(product)), (81, 81))
        self.assertEqual(ic.load_dispositions(ic.TAXONOMY), product)

    def test_the_products_streets_and_the_list_read_here_agree(self):
        policy = ic.REPOSITORY / "schema" / "policy" / "area-500110" / "streets.csv"
        lines = policy.read_text(encoding="utf-8").splitlines()
        rows = csv.DictReader(line.removeprefix("# ") for line in lines if not re.match(r"# (The|row:|comm)", line))
        product = {row["code"]: (row["name"], int(row["row"])) for row in rows if row["row"]}
        here = ic.load_streets(ic.STREETS, ic.VILLAGES)
        self.assertEqual(len(here), 21)
        self.assertEqual(product, {street.code: (street.name, street.seed_row_no) for street in here})

    def test_the_script_reads_nothing_of_the_product(self):
        read = {name: source["file"] for name, source in self.result["inputs"].items()}
        self.assertEqual(read, {
            "inspections": "tests/data/highrise_inspections.csv.zst",
            "code_map": "tests/data/toronto_code_map.csv",
            "taxonomy": "tests/data/hazard_taxonomy.csv",
            "villages": "tests/data/500110_villages.csv",
            "streets": "tests/data/500110_streets.csv",
        })

    def test_the_file_holds_9648_visits_to_2654_buildings_and_17800_hazards(self):
        self.assertEqual(self.result["facts"], {"visits": 9648, "buildings": 2654, "hazards": 17800})

    def test_trimming_addresses_would_change_nothing(self):
        addresses = {visit.address for visit in self.visits}
        self.assertEqual({" ".join(address.split()) for address in addresses}, addresses)

    def test_the_programme_has_21_streets_and_79_committees(self):
        streets = ic.load_streets(ic.STREETS, ic.VILLAGES)
        self.assertEqual((len(streets), sum(street.communities for street in streets)), (21, 79))
        listed = {row["code"]: int(row["communities_nbs"]) for row in ic.table(ic.STREETS, "communities_nbs")}
        self.assertEqual({street.code: listed[street.code] for street in streets},
                         {street.code: street.communities for street in streets})

    def test_every_cut_off_has_the_21_rows_and_they_add_up(self):
        self.assertEqual([at["as_of_on"] for at in self.at], list(ic.CUT_OFFS_ON))
        for at in self.at:
            self.assertEqual([row["seed_row_no"] for row in at["rows"]], list(range(1, 22)))
            for name in ic.FIGURES:
                self.assertEqual(sum(row[name] for row in at["rows"]), at["total"][name], (at["as_of_on"], name))

    def test_what_has_happened_never_becomes_less(self):
        for earlier, later in zip(self.at, self.at[1:]):
            for before, after in zip(earlier["rows"] + [earlier["total"]], later["rows"] + [later["total"]]):
                for name in ("rounds", "hazards_found", "disposed", "closed"):
                    self.assertLessEqual(before[name], after[name])

    def test_nothing_is_overdue_or_closed_that_was_not_found(self):
        for at in self.at:
            for row in at["rows"] + [at["total"]]:
                self.assertEqual(row["disposed"], row["closed"])
                self.assertLessEqual(row["closed"] + row["overdue"], row["hazards_found"])

    def test_everything_has_happened_and_is_closed_at_the_end_of_the_programme(self):
        self.assertEqual(tuple(self.at[-1]["total"].values()), (9648, 17800, 17800, 17800, 0))

    def test_mapping_md_prints_these_very_figures(self):
        page = (HERE / "MAPPING.md").read_text(encoding="utf-8")
        self.assertIn(figures_tables(self.at), page, "replace the tables in MAPPING.md with: "
                      "python3 test_independent_count.py --tables")

    def test_the_worked_examples_of_mapping_md_are_what_the_script_derives(self):
        page = (HERE / "MAPPING.md").read_text(encoding="utf-8")
        facts = [json.loads(line) for line in ic.facts_lines(self.visits, self.hazards)]
        visits = {fact["visit"]: fact for fact in facts if fact["kind"] == "visit"}
        numbers = {(visit.address, visit.opened_source): visit.number for visit in self.visits}
        rows = {row["_id"]: row for row in ic.table(ic.INSPECTIONS, "_id", ic.ADDRESS, ic.OPENED)}
        hazards = {fact["row_id"]: fact for fact in facts if fact["kind"] == "hazard"}
        examples = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        self.assertGreaterEqual(len(examples), 5)
        for example in examples:
            printed = json.loads(example)
            row = rows[printed["row_id"]]
            fact = hazards.get(row["_id"], {"kind": "visit"})
            derived = visits[numbers[row[ic.ADDRESS], row[ic.OPENED]]] | {"row_id": row["_id"]} | fact
            self.assertEqual({name: derived[name] for name in printed}, printed)

    def test_the_streets_of_the_worked_examples_are_reckoned_as_printed(self):
        page = (HERE / "MAPPING.md").read_text(encoding="utf-8")
        streets = ic.load_streets(ic.STREETS, ic.VILLAGES)
        printed = re.findall(r"^Street: h = 0x([0-9a-f]{16}), h mod 79 = (\d+), (\w+)\.\n\n```json\n(.*?)^```",
                             page, re.MULTILINE | re.DOTALL)
        self.assertEqual(len(printed), len(re.findall(r"^```json$", page, re.MULTILINE)))
        for value, left, name, example in printed:
            address = json.loads(example)["address"]
            digest = hashlib.sha256(f"louan/replay/street/v1\n{address}".encode()).hexdigest()
            self.assertEqual((digest[:16], int(value, 16) % 79), (value, int(left)))
            self.assertEqual(ic.street_of(address, streets).name, name)


class CommandLine(Files):
    def test_two_runs_write_the_same_bytes_and_the_facts_of_every_row(self):
        written = []
        for run in ("a", "b"):
            out, facts = self.folder / f"{run}.json", self.folder / f"{run}.jsonl"
            options = [f"--{name.replace('_', '-')}={path}" for name, path in self.inputs.items()]
            command = [sys.executable, "-I", str(HERE / "independent_count.py"), *options]
            subprocess.run([*command, "--out", str(out), "--facts", str(facts)], check=True)
            written.append((out.read_bytes(), facts.read_bytes()))
        self.assertEqual(written[0], written[1])
        facts = [json.loads(line) for line in written[0][1].decode().splitlines()]
        self.assertEqual([fact["kind"] for fact in facts].count("visit"), 7)
        self.assertEqual([fact["kind"] for fact in facts].count("hazard"), 8)
        self.assertNotIn(str(self.folder), written[0][0].decode())


def figures_tables(cut_offs):
    """The tables of MAPPING.md: the totals, then the streets at each cut-off."""
    def cells(*values):
        return "| " + " | ".join(str(value) for value in values) + " |"

    def of(row):
        return [row[name] for name in ic.FIGURES]

    lines = [cells("cut-off (24:00)", *ic.FIGURES), "|---|" + "---:|" * len(ic.FIGURES)]
    lines += [cells(at["as_of_on"], *of(at["total"])) for at in cut_offs]
    for at in cut_offs:
        lines += ["", f"### {at['as_of_on']} 24:00", ""]
        lines += [cells("no.", "code", "street", *ic.FIGURES), "|---:|---|---|" + "---:|" * len(ic.FIGURES)]
        lines += [cells(row["seed_row_no"], row["street_code"], row["street"], *of(row)) for row in at["rows"]]
        lines.append(cells("", "", "合计", *of(at["total"])))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--tables"]:
        sys.stdout.write(figures_tables(ic.replay()[0]["cut_offs"]))
    else:
        unittest.main()
