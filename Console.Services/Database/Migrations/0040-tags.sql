CREATE TABLE tags (
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (kind, object_id, tag)
);
CREATE INDEX tags_by_tag ON tags (kind, tag, object_id);
