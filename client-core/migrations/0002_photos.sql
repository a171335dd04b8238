-- Photos taken on this phone. A row is written only after the bytes it speaks of are durable on the shelf.

-- What is known of each: canonical CBOR of the contract's PhotoCard, the record left out.
CREATE TABLE photo (
    hash        BLOB PRIMARY KEY,
    card        BLOB NOT NULL,
    person      BLOB NOT NULL,
    attached_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The files of a photo: 1 photo, 2 thumbnail, 3 original. here: its bytes are on the shelf. upload: where the office
-- takes it; reached: how many bytes it has, nothing when that is to be asked; ask: whether it has the whole is to
-- be asked first; pos: the position in its log that covers the file, nothing when that was not told.
CREATE TABLE photo_file (
    photo   BLOB NOT NULL,
    kind    INTEGER NOT NULL CHECK (kind IN (1, 2, 3)),
    hash    BLOB NOT NULL,
    bytes   INTEGER NOT NULL,
    here    INTEGER NOT NULL DEFAULT 1,
    state   TEXT NOT NULL DEFAULT 'kept' CHECK (state IN ('kept', 'confirmed', 'refused')),
    upload  TEXT,
    reached INTEGER,
    ask     INTEGER NOT NULL DEFAULT 0,
    code    TEXT,
    pos     INTEGER,
    PRIMARY KEY (photo, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX photo_file_hash ON photo_file (hash);
CREATE INDEX photo_file_open ON photo_file (state, kind) WHERE state = 'kept';

-- Which records cite a photo of this phone, own ones and colleagues'. received: it came from the office.
CREATE TABLE photo_cite (
    photo    BLOB NOT NULL,
    record   BLOB NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (photo, record)
) STRICT, WITHOUT ROWID;
