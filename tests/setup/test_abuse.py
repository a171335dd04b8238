"""What abuse.py promises: the index is complete, every test named stands in the sources, nothing that did not run passed.

Run with `python3 -m unittest discover -s tests/setup`. Builds nothing.
"""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path

import abuse
from abuse import Case, Test, checked, ids, lines_of, node_words, outcomes, read_index, report, stands

INDEX = (Path(abuse.__file__).parent / "abuse.toml").read_text()


def made_up(*lines):
    """An index of one case."""
    return "[[case]]\n" + "\n".join(lines)


def whole(tests='["a lib x"]'):
    """An index with every id, each with these tests."""
    return "\n".join(f'[[case]]\nid = "{name}"\nwhat = "an attack"\ntests = {tests}' for name in ids())


class TheIndex(unittest.TestCase):
    def test_there_are_54_ids(self):
        self.assertEqual((len(ids()), ids()[0], ids()[13], ids()[-1]), (54, "P01", "X01", "R10"))

    def test_every_id_stands_once_and_every_test_named_stands_in_the_sources(self):
        cases, faults = checked(INDEX)
        self.assertEqual(faults, [])
        self.assertEqual(sorted(cases), sorted(ids()))

    def test_a_whole_index_has_no_fault_and_a_missing_repeated_or_strange_id_is_one(self):
        self.assertEqual(read_index(whole())[1], [])
        self.assertIn("A05 is missing", read_index(whole().replace('"A05"', '"A06"'))[1])
        self.assertIn("A06 stands twice", read_index(whole().replace('"A05"', '"A06"'))[1])
        self.assertIn("C01 is no case", read_index(whole() + '\n[[case]]\nid = "C01"\nwhat = "x"\ntests = ["a b c"]')[1])

    def test_a_case_without_test_and_without_waiting_is_a_fault(self):
        head = ['id = "P01"', 'what = "x"']
        alone = "P01 has neither a test nor anything it waits for"
        self.assertIn(alone, read_index(made_up(*head))[1])
        for more in ('tests = ["server lib a::b"]', 'waits."the console" = "a page"'):
            self.assertNotIn(alone, read_index(made_up(*head, more))[1])
        for wrong in ('waits."somebody" = "a page"', 'waits."the console" = ""', 'wait = "x"', 'tests = ["lone"]',
                      'tests = ["a lib x", "a lib x"]'):
            found = [fault for fault in read_index(made_up(*head, wrong))[1] if fault.startswith("P01")]
            self.assertNotEqual([fault for fault in found if fault != alone], [], wrong)


class Sources(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name)
        for path, text in {
            "server/Cargo.toml": '[package]\nname = "s"\n[[test]]\nname = "odd"\npath = "strange/main.rs"\n',
            "server/src/lib.rs": "mod room;\n#[test]\nfn here() {}\n",
            "server/src/room/mod.rs": "mod wall;\nmod tests {\n    #[tokio::test(start_paused = true)]\n    async fn deep() {}\n}\n",
            "server/src/room/wall.rs": "#[test]\n#[allow(unused)]\nfn paint() {}\nfn no_test() {}\n// #[test] fn talk() {}\n",
            "server/tests/one.rs": "mod kit;\n#[test]\nfn a() {}\n",
            "server/tests/two/main.rs": "mod part;\n",
            "server/tests/two/part.rs": "proptest! {\n    #[test]\n    fn whatever(n in 0..3) {}\n}\n",
            "server/strange/main.rs": "fn main() {}\n",
            "tests/e2e/page.mjs": "test('it\\'s here', async () => {});\ntest('a page', { timeout: 1 }, () => {});\n",
        }.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def test_a_test_that_stands_is_found(self):
        for name in ("server lib here", "server lib room::tests::deep", "server lib room::wall::paint", "server one a",
                     "server two part::whatever", "server odd", "node tests/e2e/page.mjs a page", "node tests/e2e/page.mjs it's here"):
            self.assertTrue(stands(Test.read(name), self.root), name)

    def test_a_test_that_does_not_stand_there_is_noticed(self):
        for name in ("server lib gone", "server lib room::deep", "server lib room::wall::no_test", "server lib room::hall::paint",
                     "server lib her", "server one here", "server three a", "server two whatever", "client one a", "server one",
                     "node tests/e2e/page.mjs page", "node tests/e2e/gone.mjs a page"):
            self.assertFalse(stands(Test.read(name), self.root), name)

    def test_an_index_that_names_one_is_told(self):
        self.assertEqual(checked(whole('["server one a"]'), self.root)[1], [])
        self.assertIn("R10: there is no test `server one b`", checked(whole('["server one b"]'), self.root)[1])


class Running(unittest.TestCase):
    def ran(self, said, exit_code=0, names=("a", "b::c")):
        """What becomes of tests whose program says this."""
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "program"
            program.write_text(f"#!{sys.executable}\nprint({said!r})\nraise SystemExit({exit_code})\n")
            program.chmod(0o755)
            tests = [Test(".", "one", name) for name in names]
            with contextlib.redirect_stdout(io.StringIO()) as shown:
                found = outcomes(tests, {(".", "one"): str(program)})
            return [found[test] for test in tests], shown.getvalue()

    def test_only_what_said_ok_has_passed(self):
        self.assertEqual(self.ran("running 2 tests\ntest a ... ok\ntest b::c ... ok\n"), (["passed", "passed"], ""))
        words, shown = self.ran("test a ... ok\ntest b::c ... FAILED\nb::c said why", 101)
        self.assertEqual(words, ["passed", "failed"])
        self.assertIn("b::c said why", shown)

    def test_what_did_not_run_has_not_passed(self):
        self.assertEqual(self.ran("running 0 tests\n\ntest result: ok. 0 passed")[0], ["did not run", "did not run"])
        self.assertEqual(self.ran("test a ... ignored\ntest b::c2 ... ok")[0], ["did not run", "did not run"])
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertEqual(list(outcomes([Test("a", "b", "c")], {}).values()), ["did not run"])

    def test_a_program_without_libtest_passes_by_its_exit_code(self):
        self.assertEqual(self.ran("all well", names=("",)), (["passed"], ""))
        self.assertEqual(self.ran("not well", 1, names=("",))[0], ["failed"])

    def test_nodes_words_are_read_by_title(self):
        said = ["TAP version 13", "# Subtest: it is, at last", "ok 1 - it is, at last", "not ok 2 - no \\# luck", "1..2"]
        self.assertEqual(self.node(said), {"it is, at last": "ok", "no # luck": "FAILED"})

    def node(self, lines):
        run, abuse.run = abuse.run, lambda command, folder: type("Done", (), {"stdout": "\n".join(lines)})
        try:
            return node_words("file.mjs")[0]
        finally:
            abuse.run = run


class Report(unittest.TestCase):
    def test_a_case_shows_what_passed_what_failed_and_what_waits(self):
        good, bad = Test("a", "b", "good"), Test("a", "b", "bad")
        case = Case("P01", "a bomb", [good, bad], {"the console": "a page"}, "the rest")
        self.assertEqual(
            lines_of(case, {good: "passed", bad: "did not run"}),
            ["P01 failed  2 tests   a bomb", "      did not run: a b bad", "P01 waits for the console: a page", "      left: the rest"],
        )
        self.assertEqual(lines_of(Case("P02", "x", [good]), {good: "passed"}), ["P02 passed  1 test    x"])

    def test_the_last_line_counts_each_test_once(self):
        good, bad = Test("a", "b", "good"), Test("a", "b", "bad")
        cases = [Case("P01", "x", [good]), Case("P02", "y", [good, bad]), Case("A16", "z", [], {"the phone app": "a lock"})]
        lines = report(cases, {good: "passed", bad: "failed"})
        self.assertEqual(lines[-3:], ["0 wait for the console", "1 wait for the phone app: A16", "1 passed, 1 failed"])


if __name__ == "__main__":
    unittest.main()
