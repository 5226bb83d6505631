DROP INDEX tasks_by_node;
DROP TABLE import_orders;
