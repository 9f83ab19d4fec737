CREATE TABLE workers (
    serial {identity}, -- never reused: what the data plane keeps under it never goes stale
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    trusted BOOLEAN NOT NULL,
    tier TEXT NOT NULL,
    tier_cause TEXT, -- trust, strikes or hand: who may bring it back
    tier_reason TEXT,
    tier_until BIGINT,
    latest_version INTEGER NOT NULL,
    deployment INTEGER NOT NULL, -- number of the one of now; 0 for none
    rollback TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

-- Modules and static files by their digest: equal ones are stored once.
CREATE TABLE worker_blobs (
    digest TEXT PRIMARY KEY,
    bytes BIGINT NOT NULL,
    content {blob} NOT NULL,
    touched_at BIGINT NOT NULL -- when an upload last wanted it: what nothing refers to is removed an hour later
);

CREATE TABLE worker_versions (
    serial BIGINT NOT NULL REFERENCES workers (serial) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    trusted BOOLEAN NOT NULL,
    main_module TEXT NOT NULL,
    compatibility_date TEXT NOT NULL,
    compatibility_flags TEXT NOT NULL,
    limits TEXT NOT NULL,
    bindings TEXT NOT NULL, -- without the values of secrets
    secrets TEXT, -- encrypted: a JSON object by binding
    triggers TEXT NOT NULL,
    assets TEXT, -- how static files are served; which ones is in worker_assets
    egress TEXT,
    health_path TEXT,
    message TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (serial, version)
);

CREATE TABLE worker_modules (
    serial BIGINT NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    digest TEXT NOT NULL REFERENCES worker_blobs (digest),
    PRIMARY KEY (serial, version, name),
    FOREIGN KEY (serial, version) REFERENCES worker_versions (serial, version) ON DELETE CASCADE
);
CREATE INDEX worker_modules_by_digest ON worker_modules (digest);

CREATE TABLE worker_assets (
    serial BIGINT NOT NULL,
    version INTEGER NOT NULL,
    path TEXT NOT NULL,
    content_type TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    digest TEXT NOT NULL REFERENCES worker_blobs (digest),
    PRIMARY KEY (serial, version, path),
    FOREIGN KEY (serial, version) REFERENCES worker_versions (serial, version) ON DELETE CASCADE
);
CREATE INDEX worker_assets_by_digest ON worker_assets (digest);

CREATE TABLE worker_deployments (
    serial BIGINT NOT NULL REFERENCES workers (serial) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    sticky TEXT,
    reason TEXT NOT NULL,
    automatic BOOLEAN NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (serial, number)
);

-- No reference to worker_versions: the history tells of versions that were removed since.
CREATE TABLE worker_shares (
    serial BIGINT NOT NULL,
    number INTEGER NOT NULL,
    version INTEGER NOT NULL,
    percent INTEGER NOT NULL,
    PRIMARY KEY (serial, number, version),
    FOREIGN KEY (serial, number) REFERENCES worker_deployments (serial, number) ON DELETE CASCADE
);

CREATE TABLE zones (
    hostname TEXT PRIMARY KEY,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE zone_routes (
    hostname TEXT NOT NULL REFERENCES zones (hostname) ON DELETE CASCADE,
    pattern TEXT NOT NULL,
    serial BIGINT NOT NULL REFERENCES workers (serial) ON DELETE CASCADE,
    PRIMARY KEY (hostname, pattern)
);
CREATE INDEX zone_routes_by_worker ON zone_routes (serial);

CREATE TABLE worker_policy (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    policy TEXT NOT NULL
);
