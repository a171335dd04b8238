"""What no run of the tests would notice about the Makefile's other commands until somebody types them."""

import re
import unittest
from pathlib import Path

import mutants

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()


class Commands(unittest.TestCase):
    def test_a_program_is_built_with_the_workspace_and_then_run(self):
        # `cargo run` knows no --workspace, and without it half of the dependencies are built once more.
        self.assertEqual(re.findall(r"cargo run.*", MAKEFILE), [])

    def test_every_program_that_is_run_is_built_by_its_own_command(self):
        for line in MAKEFILE.splitlines():
            name, _, command = line.partition("=")
            if name.strip().endswith("_CMD") and "cargo build" in command:
                built = set(re.findall(r"--bin (\w+)", command))
                run = set(re.findall(r"/(?:debug|release)/(\w+)", command))
                self.assertLessEqual(run, built, line)

    def test_two_libraries_below_one_folder_are_two(self):
        tree = Path("/tree")
        lib = {"kind": ["lib"], "name": "x"}
        keys = [mutants.key_of({"manifest_path": f"/tree/{crate}/Cargo.toml", "target": lib}, tree)
                for crate in ("schema", "schema/photo")]
        self.assertEqual(keys, [("schema", "lib"), ("schema/photo", "lib")])

    def test_every_rule_still_stands_where_it_is_to_be_taken_away(self):
        rules = mutants.rules()
        texts, tests = mutants.switched(rules)
        crates = {file.split("/src/")[0] for file in texts}
        # Each crate has the function itself once.
        self.assertEqual(sum(text.count("rule_off(") for text in texts.values()), len(tests) + len(crates))

    def test_every_test_named_for_a_rule_is_there(self):
        rules = mutants.rules()
        for test in sorted({test for rule in rules for test in rule["test"].values()}):
            crate, target, name = test.split(" ")
            folder = ROOT / crate / ("src" if target == "lib" else "tests")
            sources = [path for path in folder.rglob("*.rs") if "target" not in path.parts]
            found = any(re.search(rf"fn \w*{name.rsplit('::', 1)[-1]}", path.read_text()) for path in sources)
            self.assertTrue(found, test)


if __name__ == "__main__":
    unittest.main()
