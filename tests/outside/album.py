"""Pictures through a phone's darkroom to the office, and hazards that cite them, through the Python bindings.

    python3 album.py OFFICE_URL ROOT.pem CODE STORE_FOLDER < WANTED.json

`WANTED.json` is {"files": {name: path}, "cited": [hash, …]}: every file is attached as if just taken, and what the office has of
those hashes is cited as well. Prints one line of JSON: by name the photo's hash or the rules that refuse it, and the hazards.
"""

import json
import sys
from pathlib import Path

from louan import louan_facade as facade

from story import draft, enrolled

# Most photos of a hazard.
PHOTOS_MAX = 6


def attached(louan, person, building, path):
    shot = facade.ShotDraft(
        file=Path(path).read_bytes(), site=building.site, building=building.id, sensor=None, signed=""
    )
    try:
        return {"hash": louan.attach_photo(person.id, shot).hash}
    except facade.Failure.FixInput as failure:
        return {"refused": sorted({fault.rule for fault in failure.faults})}


def report(louan, person, now, building, photos):
    fields = {"code": "H1.06", "buildings": [building.id], "shared": False, "text": "楼梯间堆放杂物", "found_at_ms": now,
              "method": "three_checks", "severity": "general", "fixed_on_the_spot": False, "photos": photos}
    return louan.report_hazard(person.id, building.site, draft("HazardDraft", fields))


def main(url, root, code, folder):
    app, louan, office, person = enrolled(url, root, code, folder)
    building = louan.search_buildings("示例苑1栋", 5)[0]
    wanted = json.load(sys.stdin)
    taken = {name: attached(louan, person, building, path) for name, path in wanted["files"].items()}
    # One picture under many names is one photo.
    photos = sorted({each["hash"] for each in taken.values() if "hash" in each} | set(wanted["cited"]))
    hazards = [report(louan, person, app.now, building, photos[at : at + PHOTOS_MAX])
               for at in range(0, len(photos), PHOTOS_MAX)]
    louan.sync_native(office)
    while louan.send_photos_native(office, False):
        pass
    assert louan.outbox() == [] and louan.held() == [] and louan.returned() == []
    count = louan.photo_count()
    assert (count.waiting, count.refused) == (0, 0), count
    print(json.dumps({"taken": taken, "hazards": hazards}))


if __name__ == "__main__":
    main(*sys.argv[1:])
