DROP TABLE result_message;
DROP TABLE task_links;
DROP TABLE task_entities;
DROP TABLE tasks;
