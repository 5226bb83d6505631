-- Runs that are over, to remove those whose time to be kept has passed.
CREATE INDEX runs_by_end ON runs (finished_at) WHERE finished_at IS NOT NULL;
