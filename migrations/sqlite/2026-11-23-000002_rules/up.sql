-- Introspection rules. uuid is kept in the notation it was given in; sequence is the order of creation.
CREATE TABLE rules (
    uuid TEXT PRIMARY KEY NOT NULL,
    created_at BIGINT NOT NULL,
    sequence BIGINT NOT NULL UNIQUE,
    description TEXT,
    scope TEXT,
    priority BIGINT,
    disabled BOOLEAN NOT NULL
);

-- In order of id. params is a JSON object.
CREATE TABLE rule_conditions (
    id INTEGER PRIMARY KEY NOT NULL,
    rule TEXT NOT NULL REFERENCES rules (uuid) ON DELETE CASCADE,
    op TEXT NOT NULL,
    multiple TEXT NOT NULL,
    invert BOOLEAN NOT NULL,
    field TEXT NOT NULL,
    params TEXT NOT NULL,
    CONSTRAINT rule_conditions_multiple_known CHECK (multiple IN ('any', 'all', 'first'))
);
CREATE INDEX rule_conditions_by_rule ON rule_conditions (rule);
CREATE TABLE rule_actions (
    id INTEGER PRIMARY KEY NOT NULL,
    rule TEXT NOT NULL REFERENCES rules (uuid) ON DELETE CASCADE,
    action TEXT NOT NULL,
    params TEXT NOT NULL
);
CREATE INDEX rule_actions_by_rule ON rule_actions (rule);

-- One row, raised by every change of a rule: whoever has compiled the rules sees that they are old.
CREATE TABLE rules_generation (
    id SMALLINT PRIMARY KEY NOT NULL,
    generation BIGINT NOT NULL,
    CONSTRAINT rules_generation_is_one_row CHECK (id = 1)
);
INSERT INTO rules_generation (id, generation) VALUES (1, 0);
