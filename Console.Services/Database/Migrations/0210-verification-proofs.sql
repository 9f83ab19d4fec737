CREATE TABLE proofs (
    id TEXT PRIMARY KEY,
    recovery_point_id TEXT NOT NULL,
    vm_id TEXT NOT NULL,
    vm_name TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    passed BOOLEAN NOT NULL,
    evidence TEXT NOT NULL,
    boot_seconds DOUBLE PRECISION,
    outcomes TEXT NOT NULL,
    checks TEXT NOT NULL,
    screenshot {blob}
);
CREATE INDEX proofs_by_vm ON proofs (vm_id, ended_at);
CREATE INDEX proofs_by_point ON proofs (recovery_point_id, ended_at);
