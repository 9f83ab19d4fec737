-- Users sign in to pages. The lock-out columns are written on their own, never together with the rest of the row,
-- so that guesses made at the same time are all counted.
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  user_name TEXT NOT NULL,
  normalized_user_name TEXT NOT NULL UNIQUE,
  password_hash TEXT,
  security_stamp TEXT NOT NULL,
  concurrency_stamp TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'administrator')),
  disabled BOOLEAN NOT NULL,
  access_failed_count INTEGER NOT NULL DEFAULT 0,
  lockout_end BIGINT,
  created_at BIGINT NOT NULL,
  last_login_at BIGINT
);

-- One row, updated first by every transaction that may take an administrator away: two of them cannot pass each other.
CREATE TABLE access_locks (name TEXT PRIMARY KEY, version BIGINT NOT NULL);
INSERT INTO access_locks (name, version) VALUES ('administrators', 0);

-- A cookie holds a random key; here is only its SHA-256. A session holds while its stamp is the user's.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  key_hash TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  stamp TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_seen_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  address TEXT,
  user_agent TEXT
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE api_tokens (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'administrator')),
  scopes TEXT,
  owner_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  created_by TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  last_used_at BIGINT
);
CREATE INDEX api_tokens_by_owner ON api_tokens (owner_id);
