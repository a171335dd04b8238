"""A phone's day, through the Python bindings and the core's own driver: a round, a hazard with a photo, all of it sent.

    python3 day.py OFFICE_URL ROOT.pem CODE PICTURE STORE_FOLDER

Prints one line of JSON with the ids. What the office's lists show is then more than nothing.
"""

import json
import sys

from story import draft, enrolled, hazard_with_photo


def main(url, root, code, picture, folder):
    app, louan, office, person = enrolled(url, root, code, folder)
    building = louan.search_buildings("示例苑1栋", 5)[0]

    walk = louan.start_round(person.id, building.site, [building.id])
    for lacking in louan.round(walk).missing:
        answer = {"item": lacking.item, "outcome": "pass", "place": 1, "photos": []}
        louan.answer(person.id, walk, draft("AnswerDraft", answer))
    louan.submit_round(person.id, walk)

    hazard, photo = hazard_with_photo(louan, app.now, person.id, building, picture)
    louan.sync_native(office)
    assert louan.send_photos_native(office, False) == 1
    assert louan.outbox() == [] and louan.held() == [] and louan.returned() == []
    print(json.dumps({"site": building.site, "hazard": hazard, "photo": photo.hash}))


if __name__ == "__main__":
    main(*sys.argv[1:])
