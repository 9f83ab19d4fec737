CREATE TABLE plugin_events (
    number {identity},
    id TEXT NOT NULL,
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before BIGINT NOT NULL
);

CREATE INDEX plugin_events_by_plugin ON plugin_events (plugin_id, number);
