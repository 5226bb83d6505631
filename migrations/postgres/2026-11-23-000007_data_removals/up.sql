-- Nodes whose record is gone and whose documents are still to be removed from the data store.
CREATE TABLE data_removals (
    node_uuid TEXT PRIMARY KEY NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX data_removals_by_age ON data_removals (created_at, node_uuid);
