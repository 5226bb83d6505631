-- Documents by their content: what is stored twice lies here once. Codec 0: as it came, 1: zstd. used_at is when a
-- reference was last made, so that what is about to be referred to is not cleared away.
CREATE TABLE documents (
    id INTEGER PRIMARY KEY NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    used_at BIGINT NOT NULL,
    codec SMALLINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    body BLOB NOT NULL
);
CREATE INDEX documents_by_use ON documents (used_at, id);
INSERT INTO documents (digest, used_at, codec, size_bytes, body)
    SELECT digest, max(stored_at), codec, size_bytes, body FROM introspection_data GROUP BY digest;

-- The last raw and the last processed document of a node, and where it is: here, here until it is delivered to the
-- data store (spooled), in the data store (elsewhere), or nowhere, whatever an earlier run left in the data store.
CREATE TABLE introspection_data_new (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    processed BOOLEAN NOT NULL,
    stored_at BIGINT NOT NULL,
    place TEXT NOT NULL,
    digest TEXT,
    document_id BIGINT REFERENCES documents (id),
    PRIMARY KEY (node_uuid, processed),
    CONSTRAINT introspection_data_place_known CHECK (place IN ('here', 'spooled', 'elsewhere', 'nowhere')),
    CONSTRAINT introspection_data_body_is_here CHECK ((place IN ('here', 'spooled')) = (document_id IS NOT NULL)),
    CONSTRAINT introspection_data_nowhere_has_none CHECK ((place = 'nowhere') = (digest IS NULL))
);
INSERT INTO introspection_data_new
    SELECT old.node_uuid, old.processed, old.stored_at, 'here', old.digest, d.id
    FROM introspection_data old JOIN documents d ON d.digest = old.digest;
DROP TABLE introspection_data;
ALTER TABLE introspection_data_new RENAME TO introspection_data;
CREATE INDEX introspection_data_by_document ON introspection_data (document_id);
CREATE INDEX introspection_data_spooled ON introspection_data (stored_at) WHERE place = 'spooled';

-- What runs found, kept when the node is gone; of each node and generator the newest row is the latest.
CREATE TABLE build_data (
    id INTEGER PRIMARY KEY NOT NULL,
    node_uuid TEXT NOT NULL,
    node_name TEXT,
    task_id TEXT,
    run_id TEXT,
    generator TEXT NOT NULL,
    data_format TEXT NOT NULL,
    collected_us BIGINT NOT NULL,
    document_id BIGINT NOT NULL REFERENCES documents (id)
);
CREATE INDEX build_data_by_node ON build_data (node_uuid, generator, collected_us, id);
CREATE INDEX build_data_by_name ON build_data (node_name, generator, collected_us, id) WHERE node_name IS NOT NULL;
CREATE INDEX build_data_by_time ON build_data (collected_us, id);
CREATE INDEX build_data_by_task ON build_data (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX build_data_by_run ON build_data (run_id);
CREATE INDEX build_data_by_document ON build_data (document_id);

-- Where a component was seen: MACs, serials, switch ports. present: the last run of the node saw it.
CREATE TABLE sightings (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    node_uuid TEXT NOT NULL,
    detail TEXT NOT NULL,
    first_us BIGINT NOT NULL,
    last_us BIGINT NOT NULL,
    present BOOLEAN NOT NULL,
    PRIMARY KEY (kind, value, node_uuid),
    CONSTRAINT sightings_kind_known CHECK (kind IN ('mac', 'serial', 'switch_port'))
) WITHOUT ROWID;
CREATE INDEX sightings_by_node ON sightings (node_uuid);
