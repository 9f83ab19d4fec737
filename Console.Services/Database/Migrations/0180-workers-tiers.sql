-- What counts against a worker since its last step: a sum that halves every few minutes.
CREATE TABLE worker_strikes (
    serial BIGINT PRIMARY KEY REFERENCES workers (serial) ON DELETE CASCADE,
    score DOUBLE PRECISION NOT NULL,
    scored_at BIGINT NOT NULL
);

CREATE TABLE worker_tier_steps (
    id TEXT PRIMARY KEY,
    serial BIGINT NOT NULL REFERENCES workers (serial) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    from_tier TEXT NOT NULL,
    to_tier TEXT NOT NULL,
    punished BOOLEAN NOT NULL, -- by strikes: such steps make the next one last longer
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    until BIGINT
);
CREATE INDEX worker_tier_steps_by_worker ON worker_tier_steps (serial, at);
