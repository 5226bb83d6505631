DROP TABLE data_removals;
