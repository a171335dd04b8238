"""Hazards with given texts, and a visit to each of their buildings, from a phone to the office, through the Python
bindings and the core's own driver.

    python3 hazards.py OFFICE_URL ROOT.pem CODE STORE_FOLDER < WANTED.json

`WANTED.json` is a list of {site, building, text, floor | spot}. Prints one line of JSON: the texts that the phone did not
take, with the rules it gives.
"""

import json
import sys

from louan import louan_facade as facade

from story import draft, enrolled


def report(louan, person, now, wanted):
    """One hazard; nothing, or the rules that refuse it."""
    fields = {"code": "H1.06", "buildings": [wanted["building"]], "shared": False, "floor": wanted.get("floor"),
              "spot": wanted.get("spot"), "text": wanted["text"], "found_at_ms": now, "method": "three_checks",
              "severity": "general", "fixed_on_the_spot": False, "photos": []}
    try:
        louan.report_hazard(person.id, wanted["site"], draft("HazardDraft", fields))
    except facade.Failure.FixInput as failure:
        return sorted({fault.rule for fault in failure.faults})
    return None


def visit(louan, person, site, building):
    """A round through one building, everything as it should be."""
    walk = louan.start_round(person.id, site, [building])
    for lacking in louan.round(walk).missing:
        answer = {"item": lacking.item, "outcome": "pass", "place": 1, "photos": []}
        louan.answer(person.id, walk, draft("AnswerDraft", answer))
    louan.submit_round(person.id, walk)


def main(url, root, code, folder):
    app, louan, office, person = enrolled(url, root, code, folder)
    every = json.load(sys.stdin)
    for site, building in dict.fromkeys((wanted["site"], wanted["building"]) for wanted in every):
        visit(louan, person, site, building)
    refused = [(wanted["text"], report(louan, person, app.now, wanted)) for wanted in every]
    louan.sync_native(office)
    assert louan.outbox() == [] and louan.held() == [] and louan.returned() == []
    print(json.dumps([[text, rules] for text, rules in refused if rules], ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
