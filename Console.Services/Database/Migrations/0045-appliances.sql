CREATE TABLE appliances (
    id TEXT PRIMARY KEY,
    operation_id TEXT NOT NULL,
    host_id TEXT NOT NULL,
    vm_id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    system_id TEXT NOT NULL,
    product TEXT NOT NULL,
    vendor TEXT NOT NULL,
    version TEXT NOT NULL,
    volumes TEXT NOT NULL,
    properties TEXT NOT NULL,
    secrets TEXT,
    created_at BIGINT NOT NULL
);
