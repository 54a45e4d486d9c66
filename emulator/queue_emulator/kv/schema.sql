-- The account's namespaces. `number` stands for one in `entry`, and is never given again: what is written late into a
-- namespace that was deleted meanwhile is refused.
CREATE TABLE IF NOT EXISTS namespace (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    title        TEXT NOT NULL UNIQUE,
    jurisdiction TEXT
);

-- One row a key: its last write, which may be a tombstone (value is null).
-- `version` is the order of writes; replacing a row gives it the new version's place.
-- `value` is the bytes; or, of a large value, the integer that its parts have in `part`.
-- `checksum` is of all the others but `version`, which the index by key has too.
CREATE TABLE IF NOT EXISTS entry (
    version      INTEGER PRIMARY KEY,
    namespace    INTEGER NOT NULL REFERENCES namespace (number),
    key          BLOB    NOT NULL,
    written_ms   INTEGER NOT NULL,
    expiration_s INTEGER,
    metadata     TEXT,
    deleted      INTEGER NOT NULL CHECK (deleted = (value IS NULL)),
    value        BLOB,
    checksum     INTEGER NOT NULL,
    UNIQUE (namespace, key)
);

-- A large value, in the order of `number`, from 0. Parts that no entry refers to are of a write that was not done, or of
-- a value that was replaced; they are dropped when the file is opened.
CREATE TABLE IF NOT EXISTS part (
    value     INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    namespace INTEGER NOT NULL,
    key       BLOB    NOT NULL,
    content   BLOB    NOT NULL,
    checksum  INTEGER NOT NULL,
    PRIMARY KEY (value, number)
);

-- A list page is read from this index alone, in key order, without touching values.
CREATE INDEX IF NOT EXISTS entry_listing ON entry (namespace, key, written_ms, expiration_s, metadata, deleted);

-- What a purge looks for.
CREATE INDEX IF NOT EXISTS entry_expiring ON entry (namespace, expiration_s) WHERE expiration_s IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_deleted ON entry (namespace, written_ms) WHERE deleted;
