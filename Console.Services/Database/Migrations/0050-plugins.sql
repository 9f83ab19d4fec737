CREATE TABLE plugins (
    id TEXT PRIMARY KEY,
    appliance_id TEXT NOT NULL UNIQUE,
    operation_id TEXT NOT NULL,
    host_id TEXT NOT NULL,
    vm_id TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    vendor TEXT NOT NULL,
    version TEXT NOT NULL,
    description TEXT NOT NULL,
    capabilities TEXT NOT NULL,
    ui TEXT,
    manifest TEXT,
    manifest_digest TEXT,
    state TEXT NOT NULL,
    health TEXT NOT NULL,
    health_reason TEXT,
    health_at BIGINT,
    heartbeat_at BIGINT,
    enrolment_hash TEXT,
    enrolment_expires_at BIGINT,
    enrolled_at BIGINT,
    token_hash TEXT,
    token_expires_at BIGINT,
    next_token_hash TEXT,
    next_token_expires_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX plugins_by_key ON plugins (key) WHERE key <> '';
CREATE UNIQUE INDEX plugins_by_enrolment ON plugins (enrolment_hash) WHERE enrolment_hash IS NOT NULL;
CREATE INDEX plugins_by_vm ON plugins (vm_id);

CREATE TABLE plugin_authority (
    id TEXT PRIMARY KEY,
    certificate TEXT NOT NULL,
    private_key TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
