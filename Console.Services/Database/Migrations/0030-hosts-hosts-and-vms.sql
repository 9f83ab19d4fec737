CREATE TABLE hosts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE, -- lower-case, so that two names never differ by case alone
    uri TEXT NOT NULL UNIQUE,
    maintenance BOOLEAN NOT NULL,
    connected BOOLEAN NOT NULL,
    version TEXT,
    problem TEXT,
    acceleration TEXT NOT NULL,
    acceleration_reason TEXT,
    cpus INTEGER NOT NULL,
    memory_mib BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT
);

-- A mirror of what the hypervisors say, so that lists page, sort and search in SQL. Only the host's supervisor writes it.
CREATE TABLE vms (
    id TEXT PRIMARY KEY,
    host_id TEXT NOT NULL REFERENCES hosts (id) ON DELETE CASCADE,
    domain_uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    state TEXT NOT NULL,
    vcpus INTEGER NOT NULL,
    memory_mib BIGINT NOT NULL,
    acceleration TEXT NOT NULL,
    autostart BOOLEAN NOT NULL,
    has_console BOOLEAN NOT NULL,
    disks TEXT NOT NULL,
    networks TEXT NOT NULL,
    boot_order TEXT NOT NULL,
    UNIQUE (host_id, domain_uuid)
);
CREATE INDEX vms_by_name ON vms (name_key, id);
CREATE INDEX vms_by_state ON vms (state, name_key);
CREATE INDEX vms_by_host ON vms (host_id, name_key);
CREATE INDEX vms_by_vcpus ON vms (vcpus, name_key);
CREATE INDEX vms_by_memory ON vms (memory_mib, name_key);

-- Which VM uses which file: asked before a disk is used again or deleted.
CREATE TABLE vm_disks (
    vm_id TEXT NOT NULL REFERENCES vms (id) ON DELETE CASCADE,
    target TEXT NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (vm_id, target)
);
CREATE INDEX vm_disks_by_path ON vm_disks (path);

-- Hosts that were added by themselves on the first start; one that a person removed does not come back.
CREATE TABLE host_seeds (
    uri TEXT PRIMARY KEY
);
