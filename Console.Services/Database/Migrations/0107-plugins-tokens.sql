ALTER TABLE plugins ADD COLUMN revoked_hash TEXT;
ALTER TABLE plugins ADD COLUMN revoked_next_hash TEXT;
ALTER TABLE plugins ADD COLUMN revoked_until BIGINT;
ALTER TABLE plugins ADD COLUMN enrolment_proof TEXT;
ALTER TABLE plugins ADD COLUMN heard_at BIGINT;
ALTER TABLE plugins ADD COLUMN webhook_secret TEXT;
