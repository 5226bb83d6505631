DROP INDEX nodes_by_owner;
ALTER TABLE nodes DROP COLUMN owner_epoch;
ALTER TABLE nodes DROP COLUMN owner;
DROP TABLE active_instance;
DROP TABLE instances;
