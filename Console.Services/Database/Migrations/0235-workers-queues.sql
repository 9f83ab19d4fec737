CREATE TABLE worker_queues (
    name TEXT PRIMARY KEY,
    paused BOOLEAN NOT NULL,
    delay_seconds INTEGER NOT NULL, -- of messages that are sent without one of their own
    retention_seconds INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE worker_messages (
    id TEXT PRIMARY KEY,
    queue TEXT NOT NULL REFERENCES worker_queues (name) ON DELETE CASCADE,
    content_type TEXT NOT NULL,
    body {blob} NOT NULL,
    bytes INTEGER NOT NULL,
    sent_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL, -- not handed out before; while a call has it: when that call has lost it
    attempts INTEGER NOT NULL, -- how often it was handed out
    lease TEXT, -- the call that has it
    failure TEXT, -- how its last attempt ended
    origin TEXT -- for a dead letter: the queue that gave it up
);
CREATE INDEX worker_messages_by_turn ON worker_messages (queue, due_at, id);
CREATE INDEX worker_messages_by_lease ON worker_messages (lease) WHERE lease IS NOT NULL;
CREATE INDEX worker_messages_by_age ON worker_messages (sent_at);
