CREATE TABLE backup_jobs (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    repository_id TEXT NOT NULL,
    targets TEXT NOT NULL,
    retention TEXT NOT NULL,
    verify BOOLEAN NOT NULL,
    enabled BOOLEAN NOT NULL,
    bytes_per_second BIGINT,
    parallel_per_host INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_run_at BIGINT,
    last_operation_id TEXT
);
