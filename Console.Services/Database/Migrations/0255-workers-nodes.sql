-- What each node says of its compute servers while it lives; only what is recent counts.
CREATE TABLE worker_nodes (
    id TEXT PRIMARY KEY, -- one start of one process
    node TEXT NOT NULL,
    servers TEXT NOT NULL, -- JSON
    seen_at BIGINT NOT NULL
);

-- Logs that somebody watches: every node reports what these workers do. Renewed while they are watched.
CREATE TABLE worker_watches (
    serial BIGINT NOT NULL,
    watcher TEXT NOT NULL, -- the start of a process that asks
    until BIGINT NOT NULL,
    PRIMARY KEY (serial, watcher)
);

-- Runs on their way to the nodes where somebody watches; they stay for half a minute.
CREATE TABLE worker_runs (
    id {identity},
    serial BIGINT NOT NULL,
    version INTEGER NOT NULL,
    reporter TEXT NOT NULL,
    events TEXT NOT NULL,
    lost BIGINT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX worker_runs_by_worker ON worker_runs (serial, id);
