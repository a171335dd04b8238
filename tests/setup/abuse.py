#!/usr/bin/env python3
"""Runs the tests that prove the abuse cases P, X, A and R, and says for each what is proven and what waits.

    tests/setup/abuse.py [ID…]        all cases of abuse.toml if none is named

abuse.toml names for each case its tests. First the index itself is checked: every id once, every test in the sources.
Then everything is built once and exactly the tests named are run, each program once. A test that did not run has
failed. The last line counts tests.
"""

import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 1800
RANGES = {"P": 13, "X": 9, "A": 22, "R": 10}
WAITED_FOR = ("the console", "the phone app")
# What tests that node runs want to have been built; one small test in the choice gives everything the features it has in
# the tests, and nothing is compiled a second time.
PREPARED_BY = {
    "tests/e2e/": ["cargo", "build", "--locked", "--workspace", "--bin", "louan", "--bin", "demo", "--test", "native"],
    "tests/outside/": ["tests/setup/bindings.sh", "python"],
}
KEYS = {"id", "what", "tests", "waits", "left"}
RUST_TEST = r"#\[(?:tokio::)?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async\s+)?fn\s+{}\b"
INNER_MODULE = re.compile(r"^(?:pub )?mod (\w+) \{\n.*?^\}", re.MULTILINE | re.DOTALL)
RAN = re.compile(r"^test (\S+) \.\.\. (\w+)")
NODE_RAN = re.compile(r"^(ok|not ok) \d+ - (.*?)$")


@dataclass(frozen=True, order=True)
class Test:
    """One test: where it is built or stands, and what it is called."""

    crate: str  # a folder with a Cargo.toml, or `node`
    target: str  # `lib`, the name of an integration test, or the file node runs
    name: str  # the exact path or title; empty for a program without libtest, which is run whole

    @classmethod
    def read(cls, text):
        """`crate target name`, `crate target`, or `node file title`."""
        crate, target, *name = text.split(" ", 2)
        return cls(crate, target, "".join(name))

    def __str__(self):
        return " ".join(word for word in (self.crate, self.target, self.name) if word)


@dataclass
class Case:
    """One abuse case."""

    id: str
    what: str
    tests: list = field(default_factory=list)
    waits: dict = field(default_factory=dict)
    left: str = ""


def ids():
    """Every id there has to be."""
    return [f"{letter}{number:02}" for letter, last in RANGES.items() for number in range(1, last + 1)]


def read_index(text):
    """The cases of an index, and what is wrong with it."""
    cases, faults = {}, []
    for entry in tomllib.loads(text).get("case", []):
        name = entry.get("id", "?")
        if unknown := sorted(set(entry) - KEYS):
            faults.append(f"{name}: nobody knows {unknown}")
        case = Case(name, entry.get("what", ""), waits=entry.get("waits", {}), left=entry.get("left", ""))
        for test in entry.get("tests", []):
            if len(test.split(" ")) < 2:
                faults.append(f"{name}: `{test}` is no test; write `crate target name`")
            else:
                case.tests.append(Test.read(test))
        faults += faults_of(case)
        if name in cases:
            faults.append(f"{name} stands twice")
        cases[name] = case
    faults += [f"{name} is missing" for name in ids() if name not in cases]
    faults += [f"{name} is no case" for name in cases if name not in ids()]
    return cases, faults


def faults_of(case):
    """What is wrong with one case by itself."""
    faults = []
    if not case.what or "\n" in case.what:
        faults.append(f"{case.id}: `what` is one line that says attack and answer")
    if not case.tests and not case.waits:
        faults.append(f"{case.id} has neither a test nor anything it waits for")
    if len(set(case.tests)) != len(case.tests):
        faults.append(f"{case.id} names a test twice")
    for whom, missing in case.waits.items():
        if whom not in WAITED_FOR or not missing:
            faults.append(f"{case.id} waits for {whom!r}; it may wait for {WAITED_FOR}, saying what is missing")
    return faults


def read_file(root, path):
    """A file's text, or nothing."""
    file = root / path
    return file.read_text() if file.is_file() else None


def root_file(test, root):
    """The file a Rust target begins with; nothing if there is no such target."""
    manifest = read_file(root, Path(test.crate) / "Cargo.toml")
    if manifest is None:
        return None
    manifest = tomllib.loads(manifest)
    if test.target == "lib":
        candidates = [manifest.get("lib", {}).get("path", "src/lib.rs")]
    else:
        named = [row.get("path") for row in manifest.get("test", []) if row["name"] == test.target]
        candidates = [path for path in named if path]
        candidates += [f"tests/{test.target}.rs", f"tests/{test.target}/main.rs"]
    paths = (Path(test.crate) / path for path in candidates)
    return next((path for path in paths if (root / path).is_file()), None)


def source(test, root):
    """The part of a file a Rust test stands in, found as rustc finds it, module by module; nothing if there is none."""
    path = root_file(test, root)
    if path is None:
        return None
    folder, text = path.parent, (root / path).read_text()
    for module in test.name.split("::")[:-1]:
        inner = [block[0] for block in INNER_MODULE.finditer(text) if block[1] == module]
        if inner:
            text = inner[0].partition("{")[2]
            continue
        found = [folder / f"{module}.rs", folder / module / "mod.rs"]
        path = next((file for file in found if (root / file).is_file()), None)
        if path is None:
            return None
        folder, text = folder / module, (root / path).read_text()
    return INNER_MODULE.sub("", text)


def stands(test, root=ROOT):
    """Whether the sources have this test."""
    if test.crate == "node":
        text = (read_file(root, test.target) or "").replace("\\'", "'")
        return any(f"test({mark}{test.name}{mark}," in text for mark in "'\"`")
    text = source(test, root)
    if text is None:
        return False
    if not test.name:
        return "fn main()" in text
    return re.search(RUST_TEST.format(re.escape(test.name.split("::")[-1])), text) is not None


def checked(text, root=ROOT):
    """The cases of an index that fits the sources, and otherwise what is wrong."""
    cases, faults = read_index(text)
    for case in cases.values():
        faults += [f"{case.id}: there is no test `{test}`" for test in case.tests if not stands(test, root)]
    return cases, faults


def build(command):
    """Runs what builds; what it printed."""
    out = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if out.returncode != 0:
        sys.exit("it does not build; nothing was tried")
    return out.stdout


def built(tests):
    """Builds what these tests run; (crate, target) → program."""
    # Of the whole workspace, because a package built alone takes other features, and with them another build of half of
    # what it needs.
    for place, command in PREPARED_BY.items():
        if any(test.crate == "node" and test.target.startswith(place) for test in tests):
            build(command)
    targets = {test.target for test in tests if test.crate != "node"}
    if not targets:
        return {}
    chosen = [word for target in sorted(targets - {"lib"}) for word in ("--test", target)]
    chosen = ["--lib", *chosen] if "lib" in targets else chosen
    form = "--message-format=json-render-diagnostics"
    programs = {}
    for line in build(["cargo", "test", "--locked", "--workspace", "--no-run", form, *chosen]).splitlines():
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("executable") and message["profile"]["test"]:
            target = message["target"]
            crate = str(Path(message["manifest_path"]).parent.relative_to(ROOT))
            programs[crate, "lib" if "lib" in target["kind"] else target["name"]] = message["executable"]
    return programs


def rust_words(program, crate, names):
    """What a test program says of each of these tests: name → ok, FAILED …"""
    command = [program, *(["--exact", *names] if names != [""] else [])]
    done = run(command, ROOT / crate)
    if names == [""]:
        return {"": "ok" if done.returncode == 0 else "FAILED"}, done
    return {found[1]: found[2] for line in done.stdout.splitlines() if (found := RAN.match(line))}, done


def node_words(file):
    """What node says of each test of a file, run whole: its tests share a server and follow each other."""
    done = run(["node", "--test", "--test-reporter=tap", file], ROOT)
    found = (NODE_RAN.match(line) for line in done.stdout.splitlines())
    return {line[2].replace("\\", ""): "ok" if line[1] == "ok" else "FAILED" for line in found if line}, done


def run(command, folder):
    """Runs a program to its end, or to ours."""
    try:
        return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=SECONDS)
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
        said = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        return subprocess.CompletedProcess(command, 1, f"{said}\nit did not end within {SECONDS} s\n")


def outcomes(tests, programs):
    """Runs the tests, each program once; test → what became of it."""
    found = {}
    groups = {}
    for test in sorted(tests):
        groups.setdefault((test.crate, test.target), []).append(test)
    for (crate, target), group in groups.items():
        names = [test.name for test in group]
        if crate == "node":
            words, done = node_words(target)
        elif (crate, target) in programs:
            words, done = rust_words(programs[crate, target], crate, names)
        else:
            words, done = {}, subprocess.CompletedProcess([], 1, f"{crate} {target} was not built\n")
        for test in group:
            found[test] = {"ok": "passed", "FAILED": "failed"}.get(words.get(test.name), "did not run")
        if any(found[test] != "passed" for test in group):
            print(f"--- {crate} {target}\n{done.stdout}", flush=True)
    return found


def lines_of(case, found):
    """A case as the table shows it."""
    bad = [test for test in case.tests if found[test] != "passed"]
    lines = []
    if case.tests:
        number = f"{len(case.tests)} test{'s' if len(case.tests) > 1 else ' '}"
        lines.append(f"{case.id} {'failed' if bad else 'passed'}  {number:8}  {case.what}")
        lines += [f"      {found[test]}: {test}" for test in bad]
    for whom, missing in case.waits.items():
        lines.append(f"{case.id} waits for {whom}: {missing}")
    if case.left:
        lines.append(f"      left: {case.left}")
    return lines


def report(cases, found):
    """The table and its sums; the last line is the count of tests."""
    lines = [line for case in cases for line in lines_of(case, found)]
    for whom in WAITED_FOR:
        waiting = [case.id for case in cases if whom in case.waits]
        lines.append(f"{len(waiting)} wait for {whom}{': ' if waiting else ''}{' '.join(waiting)}")
    passed = sum(outcome == "passed" for outcome in found.values())
    lines.append(f"{passed} passed, {len(found) - passed} failed")
    return lines


def main(asked):
    cases, faults = checked((Path(__file__).parent / "abuse.toml").read_text())
    if faults:
        sys.exit("abuse.toml does not fit:\n  " + "\n  ".join(faults))
    if unknown := [name for name in asked if name not in cases]:
        sys.exit(f"no case is called {unknown}")
    chosen = [cases[name] for name in (asked or ids())]
    tests = {test for case in chosen for test in case.tests}
    found = outcomes(tests, built(tests))
    print("\n".join(report(chosen, found)))
    return 0 if all(outcome == "passed" for outcome in found.values()) else 1


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
