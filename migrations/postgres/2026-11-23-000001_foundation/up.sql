-- Times are microseconds since the epoch, UTC. UUIDs are text of 36 characters, lower case with hyphens.

-- One row a node: its last committed transition. Every write compares and raises version.
CREATE TABLE nodes (
    uuid TEXT PRIMARY KEY NOT NULL,
    version BIGINT NOT NULL,
    state TEXT NOT NULL,
    state_since BIGINT NOT NULL,
    deadline_at BIGINT,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    error TEXT,
    manage_boot BOOLEAN NOT NULL,
    run_id TEXT NOT NULL,
    last_event TEXT NOT NULL,
    posted_digest TEXT,
    posted_answered BOOLEAN NOT NULL,
    CONSTRAINT nodes_state_known CHECK (state IN ('enrolling', 'starting', 'waiting', 'processing',
        'reapplying', 'aborting', 'finished', 'error')),
    CONSTRAINT nodes_end_is_whole CHECK ((state IN ('finished', 'error')) = (finished_at IS NOT NULL)),
    CONSTRAINT nodes_error_has_text CHECK ((state = 'error') = (error IS NOT NULL))
);
CREATE INDEX nodes_by_start ON nodes (started_at DESC, uuid DESC);
CREATE INDEX nodes_by_state_and_start ON nodes (state, started_at DESC, uuid DESC);
CREATE INDEX nodes_by_deadline ON nodes (deadline_at) WHERE deadline_at IS NOT NULL;

-- Look-up attributes of running introspections (bmc_address, mac).
CREATE TABLE attributes (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (node_uuid, name, value)
);
CREATE INDEX attributes_by_value ON attributes (name, value);

-- Look-up attributes of runs that are over, to file late callbacks; never to match.
CREATE TABLE run_attributes (
    run_id TEXT NOT NULL,
    node_uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    kept_until BIGINT NOT NULL,
    PRIMARY KEY (run_id, name, value)
);
CREATE INDEX run_attributes_by_value ON run_attributes (name, value);
CREATE INDEX run_attributes_by_end ON run_attributes (kept_until);

-- Options of plug-ins for the running introspection.
CREATE TABLE options (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (node_uuid, name)
);

-- The last raw and the last processed document of a node. Codec 1: zstd.
CREATE TABLE introspection_data (
    node_uuid TEXT NOT NULL REFERENCES nodes (uuid) ON DELETE CASCADE,
    processed BOOLEAN NOT NULL,
    stored_at BIGINT NOT NULL,
    codec SMALLINT NOT NULL,
    digest TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (node_uuid, processed)
);

-- Every run there ever was; it outlives the node's record. plan is what remains to be applied while it
-- runs, timeline what happened, both JSON (the timeline compressed).
CREATE TABLE runs (
    id TEXT PRIMARY KEY NOT NULL,
    node_uuid TEXT NOT NULL,
    kind TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    outcome TEXT,
    error TEXT,
    power TEXT,
    plan BYTEA,
    timeline BYTEA,
    CONSTRAINT runs_kind_known CHECK (kind IN ('start', 'reapply', 'discovery', 'active')),
    CONSTRAINT runs_outcome_known CHECK (outcome IN ('finished', 'error', 'superseded', 'forgotten')),
    CONSTRAINT runs_end_is_whole CHECK ((outcome IS NULL) = (finished_at IS NULL))
);
CREATE INDEX runs_by_node ON runs (node_uuid, started_at);

-- Machines that are to be powered off because their run has timed out; gone with the start of the next run.
CREATE TABLE power_jobs (
    node_uuid TEXT PRIMARY KEY NOT NULL,
    run_id TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- The local node service: nodes and ports of installations without Ironic. document is the resource as JSON.
CREATE TABLE registered_nodes (
    uuid TEXT PRIMARY KEY NOT NULL,
    name TEXT UNIQUE,
    power_state TEXT,
    document TEXT NOT NULL
);
CREATE TABLE registered_ports (
    uuid TEXT PRIMARY KEY NOT NULL,
    node_uuid TEXT NOT NULL REFERENCES registered_nodes (uuid) ON DELETE CASCADE,
    address TEXT NOT NULL UNIQUE,
    pxe_enabled BOOLEAN NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX registered_ports_by_node ON registered_ports (node_uuid);
ALTER TABLE introspection_data ALTER COLUMN body SET STORAGE EXTERNAL;
