"""A photo's way from a phone to the office, through the Python bindings and the core's own driver.

    python3 photo.py OFFICE_URL ROOT.pem CODE PICTURE STORE_FOLDER

Prints one line of JSON: the hazard that cites the photo, the photo's hash and its bytes in base64.
"""

import base64
import json
import sys
from pathlib import Path

from louan import louan_facade as facade

from story import draft, enrolled


def main(url, root, code, picture, folder):
    app, louan, office, person = enrolled(url, root, code, folder)
    building = louan.search_buildings("示例苑1栋", 5)[0]
    shot = facade.ShotDraft(
        file=Path(picture).read_bytes(), site=building.site, building=building.id, sensor=None, signed=""
    )
    photo = louan.attach_photo(person.id, shot)
    again = louan.attach_photo(person.id, shot)
    assert (photo.state, again.hash) == ("kept", photo.hash), (photo, again)
    hazard = louan.report_hazard(
        person.id,
        building.site,
        draft(
            "HazardDraft",
            {"code": "H1.06", "buildings": [building.id], "shared": False, "text": "楼梯间堆放杂物",
             "found_at_ms": app.now, "method": "three_checks", "severity": "general",
             "fixed_on_the_spot": False, "photos": [photo.hash]},
        ),
    )
    assert louan.photo_count().waiting == 1
    louan.sync_native(office)
    assert louan.send_photos_native(office, False) == 1
    count = louan.photo_count()
    assert (count.waiting, count.refused) == (0, 0), count
    assert [row.state for row in louan.photos()] == ["confirmed"], louan.photos()
    assert louan.send_photos_native(office, False) == 0, "nothing is sent twice"
    data = base64.b64encode(louan.photo_file(photo.hash, False)).decode()
    print(json.dumps({"hazard": hazard, "hash": photo.hash, "bytes": data}))


if __name__ == "__main__":
    main(*sys.argv[1:])
