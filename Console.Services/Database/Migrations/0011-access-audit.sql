CREATE TABLE audit (
  id TEXT PRIMARY KEY,
  at BIGINT NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id TEXT,
  actor_name TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  target_name TEXT,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'refused')),
  before_json TEXT,
  after_json TEXT,
  request_id TEXT
);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_target ON audit (target, at);
CREATE INDEX audit_by_actor ON audit (actor_id, at);
CREATE INDEX audit_by_action ON audit (action, at);
