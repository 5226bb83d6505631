-- The processes that share this database: one row a name, its epoch counts the processes that had the name. A
-- process is alive as long as its heartbeat, by the database's clock, is not older than the grace period.
CREATE TABLE instances (
    name TEXT PRIMARY KEY NOT NULL,
    epoch BIGINT NOT NULL,
    uuid TEXT NOT NULL,
    address TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    heartbeat_at BIGINT NOT NULL
);

-- The one process that does unattended work. epoch counts the changes of leadership, and never goes back: what a
-- process that was deposed still asks for carries an older one. holder is empty where the last one has abdicated.
CREATE TABLE active_instance (
    id INTEGER PRIMARY KEY NOT NULL,
    holder TEXT NOT NULL,
    holder_epoch BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    pinged_at BIGINT NOT NULL,
    since_at BIGINT NOT NULL,
    CONSTRAINT active_instance_is_one CHECK (id = 1)
);

-- The process that works on the node: the name of its instance and which process of that name. Runs that were under
-- way before there were instances are owned by none that lives, and are taken up.
ALTER TABLE nodes ADD COLUMN owner TEXT;
ALTER TABLE nodes ADD COLUMN owner_epoch BIGINT;
UPDATE nodes SET owner = '', owner_epoch = 0
    WHERE state IN ('enrolling', 'starting', 'processing', 'reapplying', 'aborting');
CREATE INDEX nodes_by_owner ON nodes (owner, owner_epoch) WHERE owner IS NOT NULL;
