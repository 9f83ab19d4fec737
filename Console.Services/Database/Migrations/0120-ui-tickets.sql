CREATE TABLE plugin_tickets (
    hash TEXT PRIMARY KEY,
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    session_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX plugin_tickets_by_plugin ON plugin_tickets (plugin_id);
