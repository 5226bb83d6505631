DROP TABLE sightings;
DROP TABLE build_data;
CREATE TABLE introspection_data_old (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    processed BOOLEAN NOT NULL,
    stored_at BIGINT NOT NULL,
    codec SMALLINT NOT NULL,
    digest TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (node_uuid, processed)
);
INSERT INTO introspection_data_old
    SELECT i.node_uuid, i.processed, i.stored_at, d.codec, d.digest, d.size_bytes, d.body
    FROM introspection_data i JOIN documents d ON d.id = i.document_id;
DROP TABLE introspection_data;
ALTER TABLE introspection_data_old RENAME TO introspection_data;
DROP TABLE documents;
