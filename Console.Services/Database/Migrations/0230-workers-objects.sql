-- Durable objects. A class's key names its namespace for ever; ids and storage are made of it.
CREATE TABLE worker_object_classes (
    key TEXT PRIMARY KEY,
    serial BIGINT NOT NULL REFERENCES workers (serial) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    deleted_at BIGINT, -- its objects are being removed
    UNIQUE (serial, name)
);

-- A folder in which objects live. Only the process that holds it runs them.
CREATE TABLE worker_object_stores (
    id TEXT PRIMARY KEY,
    node TEXT NOT NULL,
    holder TEXT NOT NULL,
    place TEXT NOT NULL, -- machine and path: who finds the folder there unlocked knows that its holder has ended
    held_until BIGINT NOT NULL,
    address TEXT, -- where other nodes bring their calls
    fingerprint TEXT, -- of the certificate there
    token TEXT -- encrypted: what other nodes show there
);

-- In which store a worker's objects are: where they were first used.
CREATE TABLE worker_object_homes (
    serial BIGINT PRIMARY KEY REFERENCES workers (serial) ON DELETE CASCADE,
    store TEXT NOT NULL REFERENCES worker_object_stores (id),
    wake_at BIGINT -- when the process must run because of an alarm
);
CREATE INDEX worker_object_homes_by_store ON worker_object_homes (store);
