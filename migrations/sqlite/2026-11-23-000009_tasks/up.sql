-- Tasks: work on many nodes, and below it one child a node (node_uuid). There are no foreign keys between them and
-- nodes or runs, which come and go on their own. expanded counts the attempts whose children are made; observed
-- counts what was taken over of the run's timeline; requeued counts the leaders that began it anew.
CREATE TABLE tasks (
    id TEXT PRIMARY KEY NOT NULL,
    parent_id TEXT,
    action TEXT NOT NULL,
    status TEXT NOT NULL,
    result_status TEXT NOT NULL,
    result_message TEXT,
    result_reason TEXT,
    retry INTEGER NOT NULL,
    max_retry INTEGER NOT NULL,
    expanded INTEGER NOT NULL,
    requeued INTEGER NOT NULL,
    design_ref TEXT,
    design_digest TEXT,
    node_filter TEXT,
    request_context TEXT,
    node_uuid TEXT,
    node_name TEXT,
    rack TEXT,
    run_id TEXT,
    observed INTEGER NOT NULL,
    created_us BIGINT NOT NULL,
    created_by TEXT,
    updated_us BIGINT NOT NULL,
    started_us BIGINT,
    finished_us BIGINT,
    terminate_us BIGINT,
    terminated_by TEXT,
    owner TEXT,
    owner_epoch BIGINT,
    next_seq BIGINT NOT NULL,
    version BIGINT NOT NULL,
    CONSTRAINT tasks_status_known CHECK (status IN ('requested', 'queued', 'running', 'terminating', 'terminated',
        'complete')),
    CONSTRAINT tasks_result_known CHECK (result_status IN ('incomplete', 'success', 'partial_success', 'failure',
        'unreported')),
    CONSTRAINT tasks_end_is_whole CHECK ((status IN ('terminated', 'complete')) = (finished_us IS NOT NULL))
);
CREATE INDEX tasks_by_status ON tasks (status, created_us, id);
CREATE INDEX tasks_by_parent ON tasks (parent_id, retry, status, id) WHERE parent_id IS NOT NULL;
CREATE INDEX tasks_by_creation ON tasks (created_us DESC, id DESC);

-- How an attempt ended for each node.
CREATE TABLE task_entities (
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    retry INTEGER NOT NULL,
    entity TEXT NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (task_id, retry, entity),
    CONSTRAINT task_entities_outcome_known CHECK (outcome IN ('success', 'failure'))
) WITHOUT ROWID;

-- Where more is to be read.
CREATE TABLE task_links (
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    rel TEXT NOT NULL,
    href TEXT NOT NULL,
    PRIMARY KEY (task_id, position)
) WITHOUT ROWID;

-- What happened, numbered 1, 2, 3 for each task: the number is taken from tasks.next_seq in the same transaction.
CREATE TABLE result_message (
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    seq BIGINT NOT NULL,
    message TEXT NOT NULL,
    error BOOLEAN NOT NULL,
    level TEXT NOT NULL,
    context_type TEXT NOT NULL,
    context TEXT NOT NULL,
    ts_us BIGINT NOT NULL,
    extra TEXT NOT NULL,
    PRIMARY KEY (task_id, seq)
) WITHOUT ROWID;
