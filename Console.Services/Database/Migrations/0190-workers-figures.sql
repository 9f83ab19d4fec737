-- What workers did: one row a minute, version and node for a day, then one an hour. Rows without anything to tell are not written.
CREATE TABLE worker_figures (
    serial BIGINT NOT NULL,
    seconds INTEGER NOT NULL, -- 60 or 3600
    at BIGINT NOT NULL, -- when that time began
    version INTEGER NOT NULL,
    node TEXT NOT NULL, -- one start of one node
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    cold_starts INTEGER NOT NULL,
    wall_micros BIGINT NOT NULL,
    cpu_micros BIGINT NOT NULL,
    memory_bytes BIGINT,
    limits TEXT NOT NULL, -- hits by kind, JSON
    wall {blob} NOT NULL, -- pairs of bucket and count, as cpu
    cpu {blob} NOT NULL,
    PRIMARY KEY (serial, seconds, at, version, node)
);

CREATE INDEX worker_figures_by_age ON worker_figures (seconds, at);
