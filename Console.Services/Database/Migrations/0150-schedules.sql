CREATE TABLE schedules (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    action TEXT NOT NULL,
    input TEXT NOT NULL,
    target TEXT NOT NULL,
    target_name TEXT NOT NULL,
    cron TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    blackouts TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    owner TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    next_run_at BIGINT,
    claimed_until BIGINT,
    last_run_at BIGINT,
    last_operation_id TEXT,
    last_problem TEXT
);

CREATE UNIQUE INDEX schedules_by_owner ON schedules (owner) WHERE owner IS NOT NULL;
CREATE INDEX schedules_due ON schedules (next_run_at) WHERE next_run_at IS NOT NULL;
