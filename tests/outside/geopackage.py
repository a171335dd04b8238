"""A GeoPackage as GDAL reads it: one line of JSON with its layer, reference system and rows. Knows nothing of this project."""

import json
import struct
import sys

import pyogrio
from pyogrio.raw import read


def main(path: str) -> None:
    layers = [name for name, _ in pyogrio.list_layers(path)]
    meta, _, geometry, columns = read(path, layer=layers[0])
    names = [str(name) for name in meta["fields"]]
    rows = []
    for at, wkb in enumerate(geometry):
        # Well-known binary of a point: byte order, type, two doubles.
        order = "<" if wkb[0] == 1 else ">"
        kind, lon, lat = struct.unpack(order + "Idd", wkb[1:21])
        assert kind == 1, kind
        row = {name: column[at] for name, column in zip(names, columns)}
        rows.append({"name": row["name"], "site": row["site"], "street": row["street"], "lon": lon, "lat": lat})
    print(json.dumps({"layers": layers, "crs": meta["crs"], "rows": rows}, ensure_ascii=False))


main(sys.argv[1])
