-- The Data Protection key ring, shared by all nodes; each element is encrypted with the key of Secrets.
CREATE TABLE protection_keys (
    name TEXT PRIMARY KEY,
    xml TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
