DROP TABLE rules_generation;
DROP TABLE rule_actions;
DROP TABLE rule_conditions;
DROP TABLE rules;
