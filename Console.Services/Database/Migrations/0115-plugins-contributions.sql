ALTER TABLE plugins ADD COLUMN contributes TEXT;
ALTER TABLE plugins ADD COLUMN webhook TEXT;
ALTER TABLE plugins ADD COLUMN data_disks TEXT NOT NULL DEFAULT '[]';
ALTER TABLE plugins ADD COLUMN approved_capabilities TEXT NOT NULL DEFAULT '[]';
