ALTER TABLE power_jobs DROP COLUMN due_at;
ALTER TABLE power_jobs DROP COLUMN attempts;
