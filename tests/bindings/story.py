"""The story of case.json told through the Python bindings.

    python3 story.py CASE.json OFFICE_URL ROOT.pem CODE_A CODE_B STORE_FOLDER FOUND.json

What every call found goes into the last file, for who compares it with the other shores.

The generated modules lie in a package `louan` on PYTHONPATH. The app's part is played here: a clock the
story sets, the system's chance, a key made by openssl, urllib as the foreign transport.
"""

import base64
import hashlib
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from louan import louan_facade as facade
from louan import louan_mobile_ffi as shore

NOBODY = "https://127.0.0.1:9"
TRIPS_MAX = 100


class App(shore.DeviceHost):
    """What a phone's app provides: clock, chance, key."""

    def __init__(self, folder: Path):
        self.now = 0
        self.key = folder / "device.pem"
        if not self.key.exists():
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key)

    def now_ms(self):
        return self.now

    def random(self, count):
        return os.urandom(count)

    def sign(self, digest):
        with tempfile.NamedTemporaryFile() as message:
            message.write(digest)
            message.flush()
            return fixed_size(openssl("dgst", "-sha256", "-sign", self.key, message.name))

    def public_key(self):
        return openssl("ec", "-in", self.key, "-pubout", "-outform", "DER")[-65:]


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True).stdout


def fixed_size(der: bytes) -> bytes:
    """An ECDSA signature as r‖s from its DER form: SEQUENCE { INTEGER r, INTEGER s }."""
    out, at = b"", 2
    for _ in range(2):
        length = der[at + 1]
        out += int.from_bytes(der[at + 2 : at + 2 + length]).to_bytes(32)
        at += 2 + length
    return out


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Phone:
    """One phone: store, session, and what the transport means by its statuses."""

    def __init__(self, folder: Path, root: str, code: str):
        folder.mkdir(exist_ok=True)
        self.folder, self.code = folder, code
        self.trust = ssl.create_default_context(cafile=root)
        self.app = App(folder)
        self.open()

    def open(self):
        self.louan = shore.Louan.open(str(self.folder / "louan.sqlite"), self.app)

    def enrol_by_code(self, office):
        body = {"code": self.code, "public_key": base64url(self.app.public_key())}
        reply = self.post(f"{office}/api/v1/enrol", json.dumps(body).encode(), "application/json")
        (self.folder / "session.json").write_bytes(reply)
        return self.louan.enrol(reply.decode())

    def sync(self, office):
        session = self.folder / "session.json"
        total = {"accepted": 0, "held": 0, "returned": 0, "received": 0}
        for _ in range(TRIPS_MAX):
            body = self.louan.seal([self.app.sign(digest) for digest in self.louan.prepare()])
            token = json.loads(session.read_text())["access_token"]
            try:
                known = self.known("POST", "/api/v1/sync", body, token)
                reply = self.post(f"{office}/api/v1/sync", body, "application/vnd.louan.sync1", known)
            except facade.Failure:
                self.louan.lost()
                raise
            trip = plain(self.louan.absorb(reply))
            total = {name: total[name] + trip[name] for name in total}
            if not trip["more"]:
                return trip | total
        raise AssertionError("the phone never came to rest")

    def known(self, method, path, body, token):
        """The headers by which the office knows the phone: its token, and its key's word that the request is its own."""
        nonce = self.app.random(16)
        said = hashlib.sha256(f"louan/request/1\0{method}\n{path}\n{token}\n".encode())
        said.update(nonce + hashlib.sha256(body).digest())
        proof = f"{base64url(nonce)}.{base64url(self.app.sign(said.digest()))}"
        return {"Authorization": f"Bearer {token}", "Louan-Proof": proof}

    def post(self, url, body, kind, known=None):
        headers = {"Content-Type": kind} | (known or {})
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), context=self.trust) as reply:
                return reply.read()
        except urllib.error.HTTPError as error:
            detail = f"{url}: {error.code} {error.read().decode()}"
            if error.code == 401:
                raise facade.Failure.SignInAgain(detail=detail) from error
            raise facade.Failure.Bug(detail=detail) from error
        except urllib.error.URLError as error:
            raise facade.Failure.Offline(detail=f"{url}: {error.reason}") from error


def plain(value):
    """A record of the bindings as JSON has it."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    fields = value if isinstance(value, dict) else vars(value)
    return {name: plain(each) for name, each in fields.items()}


DRAFTS = {"answer": "AnswerDraft", "report_hazard": "HazardDraft", "stop_and_report": "StopDraft",
          "report_fix": "FixDraft", "recheck": "RecheckDraft"}
CORRECTIONS = {"hazard": ("HAZARD", "HazardDraft"), "stop_report": ("STOP_REPORT", "StopDraft"),
               "fix": ("FIX", "FixDraft"), "recheck": ("RECHECK", "RecheckDraft")}


def draft(kind, fields):
    """A draft from JSON: what is absent is absent."""
    names = getattr(facade, kind).__init__.__annotations__
    every = {name: None for name in names if name != "return"}
    return getattr(facade, kind)(**(every | fields))


def enrolled(url, root, code, folder):
    """A phone of one person with a store in `folder`, by the machine's clock: it has enrolled and fetched what it sees.

    Returns its host, the phone, the office it speaks to, and the person.
    """
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    app = App(folder)
    app.now = int(time.time() * 1000)
    louan = shore.Louan.open(str(folder / "louan.sqlite"), app)
    office = shore.Office.open(url, [Path(root).read_bytes()], None)
    (person,) = louan.enrol_by_code(office, code)
    louan.sync_native(office)
    return app, louan, office, person


def hazard_with_photo(louan, now, person, building, picture):
    """A hazard in a building, with a photo of it; its id and the photo's row."""
    shot = facade.ShotDraft(
        file=Path(picture).read_bytes(), site=building.site, building=building.id, sensor=None, signed=""
    )
    photo = louan.attach_photo(person, shot)
    fields = {"code": "H1.06", "buildings": [building.id], "shared": False, "text": "楼梯间堆放杂物",
              "found_at_ms": now, "method": "three_checks", "severity": "general", "fixed_on_the_spot": False,
              "photos": [photo.hash]}
    return louan.report_hazard(person, building.site, draft("HazardDraft", fields)), photo


def argument(call, value):
    if not isinstance(value, dict):
        return value
    if call == "hazards":
        fields = {name: each for name, each in value.items() if name != "which"}
        return getattr(facade.HazardFilter, value["which"].upper())(**fields)
    if call == "correct":
        variant, kind = CORRECTIONS[value["kind"]]
        return getattr(facade.CorrectionDraft, variant)(draft=draft(kind, value["draft"]))
    return draft(DRAFTS[call], value)


def kind_of(failure):
    name = type(failure).__name__
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def at(pointer, value):
    for part in pointer.split("/")[1:]:
        value = value[int(part)] if isinstance(value, list) else value[part]
    return value


def filled(value, names):
    if isinstance(value, str) and value.startswith("$"):
        name, slash, rest = value[1:].partition("/")
        return at(slash + rest, names[name])
    if isinstance(value, list):
        return [filled(each, names) for each in value]
    if isinstance(value, dict):
        return {name: filled(each, names) for name, each in value.items()}
    return value


def fits(expected, found, where=""):
    """Every field that is expected is there and equal; lists have the same length."""
    if isinstance(expected, dict):
        for name, each in expected.items():
            assert isinstance(found, dict) and name in found, f"{where}: no {name} in {found}"
            fits(each, found[name], f"{where}/{name}")
    elif isinstance(expected, list):
        assert len(expected) == len(found), f"{where}: expected {expected}, found {found}"
        for i, (left, right) in enumerate(zip(expected, found)):
            fits(left, right, f"{where}/{i}")
    else:
        assert expected == found, f"{where}: expected {expected!r}, found {found!r}"


def fits_some(expected, found, where):
    for each in found:
        try:
            return fits(expected, each)
        except AssertionError:
            continue
    raise AssertionError(f"{where}: none fits {expected} in {found}")


class Story:
    """The phones of a story and the names it has given so far."""

    def __init__(self, case, office, root, codes, folder):
        self.case, self.office, self.reached = case, office, office
        self.phones = {name: Phone(folder / name, root, code) for name, code in codes.items()}
        self.names = {}
        self.found = []

    def tell(self):
        for i, step in enumerate(self.case["steps"]):
            where = f"step {i} {step.get('phone', '')} {step['call']}"
            now = self.case["now_ms"] + i * self.case["step_ms"]
            for phone in self.phones.values():
                phone.app.now = now
            if step["call"] == "restart":
                self.reached = NOBODY
                for phone in self.phones.values():
                    del phone.louan
                    phone.open()
            elif step["call"] == "reconnect":
                self.reached = self.office
            else:
                for it in filled(step.get("each", [None]), self.names):
                    self.act(step, it, where)
        return len(self.case["steps"])

    def act(self, step, it, where):
        names = self.names | {"it": it}
        phone, call = self.phones[step["phone"]], step["call"]
        try:
            if call in ("sync", "enrol_by_code"):
                found = getattr(phone, call)(self.reached)
            else:
                arguments = [argument(call, each) for each in filled(step.get("args", []), names)]
                found = getattr(phone.louan, call)(*arguments)
        except facade.Failure as failure:
            assert "fails" in step, f"{where}: {failure!r}"
            said = {"kind": kind_of(failure)} | plain(failure)
            self.found.append({name: said[name] for name in ("kind", "faults") if name in said})
            fits(step["fails"], said, where)
            return
        assert "fails" not in step, f"{where}: expected {step['fails']}, found {plain(found)}"
        self.found.append(plain(found))
        self.compare(step, plain(found), names, where)

    def compare(self, step, found, names, where):
        if "expect" in step:
            fits(filled(step["expect"], names), found, where)
        if "expect_some" in step:
            fits_some(filled(step["expect_some"], names), found, where)
        for pointer, part in step.get("at", {}).items():
            fits(filled(part, names), at(pointer, found), f"{where}{pointer}")
        for pointer, count in step.get("count", {}).items():
            assert len(at(pointer, found)) == count, f"{where}{pointer}: expected {count}, found {found}"
        for name, pointer in step.get("keep", {}).items():
            self.names[name] = at(pointer, found)


def main():
    path, office, root, code_a, code_b, folder, out = sys.argv[1:]
    case = json.loads(Path(path).read_text(encoding="utf-8"))
    story = Story(case, office, root, {"a": code_a, "b": code_b}, Path(folder))
    steps = story.tell()
    Path(out).write_text(json.dumps(story.found, ensure_ascii=False), encoding="utf-8")
    print(f"{steps} steps through UniFFI in Python")


if __name__ == "__main__":
    main()
