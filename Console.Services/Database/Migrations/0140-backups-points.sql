-- A mirror of what the repositories hold, so that lists page in SQL; the repositories are right.
CREATE TABLE recovery_points (
    id TEXT NOT NULL,
    repository_id TEXT NOT NULL,
    vm_id TEXT NOT NULL,
    vm_name TEXT NOT NULL,
    vm_name_key TEXT NOT NULL,
    host_name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    consistency TEXT NOT NULL,
    parent_id TEXT,
    job_id TEXT,
    logical_bytes BIGINT NOT NULL,
    read_bytes BIGINT NOT NULL,
    stored_bytes BIGINT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    common BOOLEAN NOT NULL,
    pinned BOOLEAN NOT NULL,
    expires_at BIGINT,
    verified_at BIGINT,
    damage TEXT,
    notes TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (id, repository_id)
);

CREATE INDEX recovery_points_by_time ON recovery_points (created_at, id);
CREATE INDEX recovery_points_by_vm ON recovery_points (vm_id, created_at);
CREATE INDEX recovery_points_by_repository ON recovery_points (repository_id, created_at);
