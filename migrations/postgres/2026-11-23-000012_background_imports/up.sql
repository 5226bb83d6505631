-- Imports that are worked on as a task: how, and the request as it came. Gone with the task, or when it is over.
CREATE TABLE import_orders (
    task_id TEXT PRIMARY KEY NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    manner TEXT NOT NULL,
    codec SMALLINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    body BYTEA NOT NULL
);

-- What was found of a node by the last comparison.
CREATE INDEX tasks_by_node ON tasks (node_uuid, action, created_us) WHERE node_uuid IS NOT NULL;
