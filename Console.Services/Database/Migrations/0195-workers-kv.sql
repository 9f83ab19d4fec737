-- Keys as bytes: both databases then list them in the order of UTF-8.
CREATE TABLE worker_kv (
    namespace TEXT NOT NULL,
    name {blob} NOT NULL,
    value {blob} NOT NULL,
    metadata TEXT, -- JSON
    expires_at BIGINT,
    PRIMARY KEY (namespace, name)
);
CREATE INDEX worker_kv_by_expiry ON worker_kv (expires_at) WHERE expires_at IS NOT NULL;
