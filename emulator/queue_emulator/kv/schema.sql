-- The account's namespaces. `number` stands for one in `entry`, and is never given again: what is written late into a
-- namespace that was deleted meanwhile is refused.
CREATE TABLE namespace (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT NOT NULL UNIQUE,
    title        TEXT NOT NULL UNIQUE,
    jurisdiction TEXT
);

-- One row a key: its last write, which may be a tombstone (value is null).
-- `version` is the order of writes; replacing a row gives it the new version's place.
CREATE TABLE entry (
    version      INTEGER PRIMARY KEY,
    namespace    INTEGER NOT NULL REFERENCES namespace (number),
    key          BLOB    NOT NULL,
    written_ms   INTEGER NOT NULL,
    expiration_s INTEGER,
    metadata     TEXT,
    deleted      INTEGER NOT NULL CHECK (deleted = (value IS NULL)),
    value        BLOB,
    UNIQUE (namespace, key)
);

-- A list page is read from this index alone, in key order, without touching values.
CREATE INDEX entry_listing ON entry (namespace, key, written_ms, expiration_s, metadata, deleted);

-- What a purge looks for.
CREATE INDEX entry_expiring ON entry (namespace, expiration_s) WHERE expiration_s IS NOT NULL;
CREATE INDEX entry_deleted ON entry (namespace, written_ms) WHERE deleted;
