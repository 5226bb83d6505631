DROP TABLE registered_ports;
DROP TABLE registered_nodes;
DROP TABLE runs;
DROP TABLE introspection_data;
DROP TABLE options;
DROP TABLE run_attributes;
DROP TABLE attributes;
DROP TABLE nodes;
