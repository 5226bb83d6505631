-- A power-off that failed is tried again: how often it was tried, and when it is due.
ALTER TABLE power_jobs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE power_jobs ADD COLUMN due_at BIGINT NOT NULL DEFAULT 0;
