CREATE TABLE repositories (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE, -- lower-case, so that two names never differ by case alone
    kind TEXT NOT NULL,
    location TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL,
    secrets TEXT, -- encrypted: the repository's key, the bucket's credentials
    repository_id TEXT NOT NULL UNIQUE, -- its own, wherever it is moved
    encrypted BOOLEAN NOT NULL,
    append_only BOOLEAN NOT NULL,
    state TEXT NOT NULL,
    problem TEXT,
    used_bytes BIGINT NOT NULL,
    unique_bytes BIGINT NOT NULL,
    logical_bytes BIGINT NOT NULL,
    points INTEGER NOT NULL,
    looked_at BIGINT,
    verified_at BIGINT,
    damage TEXT,
    created_at BIGINT NOT NULL
);

-- Growth: one row a day and repository, the last look of that day.
CREATE TABLE repository_samples (
    repository_id TEXT NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    used_bytes BIGINT NOT NULL,
    logical_bytes BIGINT NOT NULL,
    points INTEGER NOT NULL,
    PRIMARY KEY (repository_id, day)
);

CREATE TABLE repository_seeds (location TEXT PRIMARY KEY);
