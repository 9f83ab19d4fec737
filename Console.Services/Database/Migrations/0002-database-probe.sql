-- One row that DatabaseHealth writes to see whether writing works.
CREATE TABLE database_probe (
    id INTEGER PRIMARY KEY,
    filler {blob}
);
