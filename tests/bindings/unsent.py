"""A phone that cannot send: its work goes into a file, and hears later that it is known.

    python3 unsent.py make OFFICE_URL ROOT.pem CODE PICTURE STORE_FOLDER FILE
    python3 unsent.py meet OFFICE_URL ROOT.pem STORE_FOLDER

The first enrols, writes a hazard with a photo, and makes the file; the second goes to the office at last. Each prints
one line of JSON.
"""

import json
import sys
import time
from pathlib import Path

from louan import louan_facade as facade
from louan import louan_mobile_ffi as shore

from story import App, hazard_with_photo


def opened(folder):
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    app = App(folder)
    app.now = int(time.time() * 1000)
    return app, shore.Louan.open(str(folder / "louan.sqlite"), app)


def make(url, root, code, picture, folder, file):
    app, louan = opened(folder)
    office = shore.Office.open(url, [Path(root).read_bytes()], None)
    (person,) = louan.enrol_by_code(office, code)
    louan.sync_native(office)
    session = office.session()
    Path(folder, "session.json").write_text(json.dumps([session.access_token, session.refresh_token]))
    building = louan.search_buildings("示例苑1栋", 5)[0]
    hazard, photo = hazard_with_photo(louan, app.now, person.id, building, picture)
    with open(file, "wb") as out:
        out.write(louan.begin_unsent())
        while (digests := louan.prepare_unsent()) is not None:
            out.write(louan.seal_unsent([app.sign(digest) for digest in digests]))
    assert [row.state for row in louan.outbox()] == ["pending"], "making the file settles nothing"
    print(json.dumps({"hazard": hazard, "photo": photo.hash}))


def meet(url, root, folder):
    _, louan = opened(folder)
    access, refresh = json.loads(Path(folder, "session.json").read_text())
    session = facade.SessionRow(access_token=access, refresh_token=refresh)
    office = shore.Office.open(url, [Path(root).read_bytes()], session)
    louan.sync_native(office)
    louan.send_photos_native(office, False)
    count = louan.photo_count()
    left = [len(louan.outbox()), len(louan.held()), len(louan.returned()), count.waiting, count.refused]
    print(json.dumps({"left": left, "photos": [row.state for row in louan.photos()]}))


if __name__ == "__main__":
    {"make": make, "meet": meet}[sys.argv[1]](*sys.argv[2:])
