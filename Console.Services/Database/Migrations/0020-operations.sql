-- A node that runs operations. Its token is new at each start: rows that name a token not listed here have lost their node.
CREATE TABLE nodes (
    name TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    beat BIGINT NOT NULL,
    beaten_at BIGINT NOT NULL,
    started_at BIGINT NOT NULL
);

CREATE TABLE operations (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    target TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_name TEXT NOT NULL,
    search TEXT NOT NULL,
    state TEXT NOT NULL,
    -- the final state that is decided while undo or parts are still outstanding
    ending TEXT,
    parent_id TEXT,
    -- ids from the root down, joined by '/': order in the lock queue, and ancestry, in one comparison
    path TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    caller TEXT NOT NULL,
    input TEXT NOT NULL,
    locks TEXT NOT NULL,
    granted BOOLEAN NOT NULL,
    attended BOOLEAN NOT NULL,
    attempt INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    crashes INTEGER NOT NULL,
    -- the token of the node that runs it: with the attempt, the fence that every write of a run passes
    owner TEXT,
    node TEXT,
    cancel_requested BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    queued_at BIGINT NOT NULL,
    not_before BIGINT,
    started_at BIGINT,
    ended_at BIGINT,
    touched_at BIGINT NOT NULL,
    progress_done BIGINT,
    progress_total BIGINT,
    progress_unit TEXT,
    warnings INTEGER NOT NULL,
    result TEXT,
    problem TEXT
);
CREATE INDEX operations_by_state ON operations (state, id);
CREATE INDEX operations_by_kind ON operations (kind, id);
CREATE INDEX operations_by_target ON operations (target, id);
CREATE INDEX operations_by_target_kind ON operations (target_kind, id);
CREATE INDEX operations_by_parent ON operations (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX operations_by_created ON operations (created_at);
CREATE INDEX operations_by_end ON operations (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX operations_running ON operations (owner) WHERE state = 'running';

CREATE TABLE operation_steps (
    operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    result TEXT,
    PRIMARY KEY (operation_id, key)
);

CREATE TABLE operation_notes (
    operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (operation_id, kind, value)
);

CREATE TABLE operation_log (
    operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    level TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (operation_id, number)
);

-- Only operations that have not ended are here: asked for when queued, granted when nothing earlier is in the way.
CREATE TABLE operation_locks (
    operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
    resource TEXT NOT NULL,
    mode TEXT NOT NULL,
    granted BOOLEAN NOT NULL,
    path TEXT NOT NULL,
    PRIMARY KEY (operation_id, resource)
);
CREATE INDEX operation_locks_by_resource ON operation_locks (resource);
