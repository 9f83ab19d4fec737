ALTER TABLE plugins ADD COLUMN upgrade_operation_id TEXT;
ALTER TABLE plugins ADD COLUMN upgrade_to TEXT;
ALTER TABLE plugins ADD COLUMN upgrade_heard_at BIGINT;
ALTER TABLE plugins ADD COLUMN upgrade_before TEXT;

CREATE TABLE plugin_moments (
    id TEXT PRIMARY KEY,
    plugin_id TEXT NOT NULL REFERENCES plugins (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    state TEXT NOT NULL,
    health TEXT NOT NULL,
    reason TEXT,
    version TEXT NOT NULL
);

CREATE INDEX plugin_moments_by_plugin ON plugin_moments (plugin_id, id);
