#!/usr/bin/env python3
"""Takes the gate's rules and the edges' guards away one at a time and demands that a test notices.

    tests/setup/mutants.py [NAME…]        all rules of mutants.toml and guards.toml if none is named

The checkout is copied to target/mutants/tree. There every passage of these lists is replaced by one that
asks a variable of the environment whether its rule is off, so everything is built once; then the test named for a
rule runs with this one rule off and has to fail. With every rule on it has to pass, or it proves nothing.
It never touches the checkout itself.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = ROOT / "target" / "mutants"
TREE = SCRATCH / "tree"
LISTS = ["mutants.toml", "guards.toml"]
VARIABLE = "LOUAN_RULE_OFF"
SECONDS = 300
SWITCH = f"""
/// Whether a rule is off, for proving that a test notices.
pub fn rule_off(name: &str) -> bool {{
    std::env::var("{VARIABLE}").is_ok_and(|off| off == name)
}}
"""


def rules():
    """Every rule of every list."""
    lists = [Path(__file__).parent / name for name in LISTS]
    return [rule for one in lists for rule in tomllib.loads(one.read_text())["rule"]]


def copied():
    """The files of the checkout as they are, tracked or new, laid out in the scratch folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout
    names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    for old in TREE.rglob("*"):
        if old.is_file() and str(old.relative_to(TREE)) not in names:
            old.unlink()
    return names


def place(name, text):
    """Writes a file unless it stands there already: an unchanged file is not compiled again."""
    to = TREE / name
    to.parent.mkdir(parents=True, exist_ok=True)
    if not to.is_file() or to.read_bytes() != text:
        to.write_bytes(text)
        shutil.copymode(ROOT / name, to)


def switched(rules):
    """The rules with their switches built in: file → text, and name → the test that has to notice."""
    texts, tests, faults = {}, {}, []
    for rule in rules:
        file = rule["file"]
        text = texts.get(file) or (ROOT / file).read_text()
        if text.count(rule["from"]) != 1:
            faults.append(f"{file}: `{rule['from']}` stands there {text.count(rule['from'])} times, not once")
            continue
        names = re.findall(r"OFF\((\w+)\)", rule["to"])
        if sorted(names) != sorted(rule["test"]):
            faults.append(f"{file}: {names} are switches, {sorted(rule['test'])} have a test")
        for name in names:
            if name in tests:
                faults.append(f"`{name}` stands twice")
            tests[name] = rule["test"][name]
        to = re.sub(r"OFF\((\w+)\)", r'crate::rule_off("\1")', rule["to"])
        texts[file] = text.replace(rule["from"], to)
    if faults:
        sys.exit("mutants.toml or guards.toml does not fit the sources:\n  " + "\n  ".join(faults))
    for crate in {file.split("/src/")[0] for file in texts}:
        lib = f"{crate}/src/lib.rs"
        texts[lib] = (texts.get(lib) or (ROOT / lib).read_text()) + SWITCH
    return texts, tests


def built(tests):
    """Builds the test programs; (crate, target) → program. Dependencies are those of the checkout's own build."""
    wanted = {tuple(test.split(" ")[:2]) for test in tests.values()}
    build = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    env = dict(os.environ, CARGO_TARGET_DIR=build, CARGO_PROFILE_DEV_OPT_LEVEL="0")
    # The whole workspace, because a package built alone takes other features, and with them another build of
    # half of what it needs.
    targets = [word for target in sorted({target for _, target in wanted} - {"lib"}) for word in ("--test", target)]
    if any(target == "lib" for _, target in wanted):
        targets.insert(0, "--lib")
    command = ["cargo", "test", "--locked", "--no-run", "--message-format=json", "--workspace", *targets]
    out = subprocess.run(command, cwd=TREE, env=env, stdout=subprocess.PIPE, text=True)
    if out.returncode != 0:
        messages = (json.loads(line) for line in out.stdout.splitlines() if line.startswith("{"))
        print(*(m["message"]["rendered"] for m in messages if m["reason"] == "compiler-message"), sep="\n")
        sys.exit("the rules with their switches do not build; nothing was tried")
    programs = {}
    for line in out.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["profile"]["test"]:
            programs[key_of(message, TREE)] = message["executable"]
    return programs


def key_of(message, tree):
    """The crate's folder and the target's name of what cargo says it has built: the same for no two programs."""
    target = message["target"]
    crate = Path(message["manifest_path"]).parent.relative_to(tree).as_posix()
    return crate, "lib" if "lib" in target["kind"] else target["name"]


def passes(programs, test, off):
    """Whether a test passes with a rule off; None for one that never ends, which has noticed nothing we can rely on."""
    crate, target, name = test.split(" ")
    env = dict(os.environ, **{VARIABLE: off}) if off else dict(os.environ)
    command = [programs[crate, target], name, "--test-threads=1"]
    try:
        done = subprocess.run(command, cwd=TREE / crate, env=env, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None
    if "running 0 tests" in done.stdout:
        sys.exit(f"no test is called `{name}` in {crate} {target}")
    return done.returncode == 0


def main():
    TREE.mkdir(parents=True, exist_ok=True)
    names = copied()
    texts, tests = switched(rules())
    for name in names:
        place(name, texts[name].encode() if name in texts else (ROOT / name).read_bytes())
    asked = sys.argv[1:] or list(tests)
    unknown = [name for name in asked if name not in tests]
    if unknown:
        sys.exit(f"no rule is called {unknown}")
    programs = built({name: tests[name] for name in asked})
    whole = {test: passes(programs, test, None) for test in sorted({tests[name] for name in asked})}
    noticed = 0
    for name in asked:
        test = tests[name]
        if not whole[test]:
            word = "UNPROVEN"  # its test fails with every rule on, and so says nothing
        else:
            word = {True: "SURVIVED", None: "HUNG", False: "noticed"}[passes(programs, test, name)]
            noticed += word == "noticed"
        print(f"{word:8}  {name}  ({test})", flush=True)
    print(f"{noticed} passed, {len(asked) - noticed} failed")
    return 0 if noticed == len(asked) else 1


if __name__ == "__main__":
    sys.exit(main())
