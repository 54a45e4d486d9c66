-- Every statement can be run on a file of an older version, and leaves what it holds.

-- One row a key: its last write, which may be a tombstone (value is null).
-- `version` is the order of writes; replacing a row gives it the new version's place.
CREATE TABLE IF NOT EXISTS entry (
    version      INTEGER PRIMARY KEY,
    namespace    TEXT    NOT NULL,
    key          BLOB    NOT NULL,
    written_ms   INTEGER NOT NULL,
    expiration_s INTEGER,
    metadata     TEXT,
    deleted      INTEGER NOT NULL CHECK (deleted = (value IS NULL)),
    value        BLOB,
    UNIQUE (namespace, key)
);

-- A list page is read from this index alone, in key order, without touching values.
CREATE INDEX IF NOT EXISTS entry_listing ON entry (namespace, key, written_ms, expiration_s, metadata, deleted);

-- What a purge looks for.
CREATE INDEX IF NOT EXISTS entry_expiring ON entry (namespace, expiration_s) WHERE expiration_s IS NOT NULL;
CREATE INDEX IF NOT EXISTS entry_deleted ON entry (namespace, written_ms) WHERE deleted;

-- The account's namespaces, since version 2. `name` is what their entries are kept under.
CREATE TABLE IF NOT EXISTS namespace (
    name         TEXT PRIMARY KEY,
    id           TEXT NOT NULL UNIQUE,
    title        TEXT NOT NULL UNIQUE,
    jurisdiction TEXT
);
