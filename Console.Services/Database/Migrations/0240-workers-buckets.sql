CREATE TABLE worker_buckets (
    name TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE, -- names its folder: a bucket that is made again finds nothing of the old one
    repository_id TEXT NOT NULL,
    limit_bytes BIGINT,
    used_bytes BIGINT NOT NULL,
    objects BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Keys as bytes: both databases then list them in the order of UTF-8. What an object is made of lies in the repository.
CREATE TABLE worker_objects (
    bucket TEXT NOT NULL REFERENCES worker_buckets (id),
    name {blob} NOT NULL,
    version TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    etag TEXT NOT NULL,
    checksums TEXT NOT NULL, -- JSON, hexadecimal by algorithm
    http TEXT NOT NULL, -- JSON
    custom TEXT NOT NULL, -- JSON
    parts TEXT NOT NULL, -- JSON: [{id, bytes}]
    uploaded_at BIGINT NOT NULL,
    PRIMARY KEY (bucket, name)
);

CREATE TABLE worker_uploads (
    id TEXT PRIMARY KEY,
    bucket TEXT NOT NULL REFERENCES worker_buckets (id),
    name {blob} NOT NULL,
    http TEXT NOT NULL,
    custom TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE worker_upload_parts (
    upload TEXT NOT NULL REFERENCES worker_uploads (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    part TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    etag TEXT NOT NULL,
    PRIMARY KEY (upload, number)
);

-- Parts that are being written, or that nothing refers to any more: removed from the repository when their time has come.
CREATE TABLE worker_waste (
    part TEXT PRIMARY KEY,
    bucket TEXT NOT NULL,
    repository_id TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    condemned BOOLEAN NOT NULL DEFAULT FALSE -- from now on no object may have it: it is being removed
);
CREATE INDEX worker_waste_by_time ON worker_waste (due_at);
