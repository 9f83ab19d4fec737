-- Calls of scheduled(): who inserts the row of a due time makes the call.
CREATE TABLE worker_cron_runs (
    serial BIGINT NOT NULL REFERENCES workers (serial) ON DELETE CASCADE,
    cron TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    version INTEGER NOT NULL,
    node TEXT NOT NULL,
    begun_at BIGINT NOT NULL,
    ended_at BIGINT,
    outcome TEXT,
    PRIMARY KEY (serial, cron, due_at)
);
CREATE INDEX worker_cron_runs_by_time ON worker_cron_runs (due_at);
CREATE INDEX worker_cron_runs_open ON worker_cron_runs (begun_at) WHERE ended_at IS NULL;
