CREATE TABLE restores (
    id TEXT PRIMARY KEY,
    repository_id TEXT NOT NULL,
    vm_id TEXT NOT NULL,
    mode TEXT NOT NULL,
    read_bytes BIGINT NOT NULL,
    sent_bytes BIGINT NOT NULL,
    written_bytes BIGINT NOT NULL,
    chunks BIGINT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    ended_at BIGINT NOT NULL
);
CREATE INDEX restores_by_repository ON restores (repository_id, mode, ended_at);
