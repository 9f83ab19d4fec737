-- Which migrations of its classes a worker has behind it.
CREATE TABLE worker_object_migrations (
    serial BIGINT NOT NULL REFERENCES workers (serial) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    applied_at BIGINT NOT NULL,
    PRIMARY KEY (serial, tag)
);
CREATE INDEX worker_object_classes_gone ON worker_object_classes (serial) WHERE deleted_at IS NOT NULL;
