ALTER TABLE plugins ADD COLUMN domain TEXT;
ALTER TABLE plugins ADD COLUMN vm_name TEXT;
UPDATE plugins SET domain = vm_id;
