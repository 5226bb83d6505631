"""Databases of an ironic-inspector: the last revision of its schema, as it is described, with rows of a test's own."""

import sqlite3
import uuid

import psycopg

import databases

REVISION = 'b55109d5063a'
STATES = ('enrolling', 'starting', 'waiting', 'processing', 'reapplying', 'aborting', 'finished', 'error')
SCHEMA = '''
CREATE TABLE nodes (uuid VARCHAR(36) PRIMARY KEY, version_id VARCHAR(36) DEFAULT '', state {state} NOT NULL DEFAULT
    'finished', started_at {time}, finished_at {time}, error TEXT, manage_boot BOOLEAN);
CREATE TABLE attributes (uuid VARCHAR(36) PRIMARY KEY, node_uuid VARCHAR(36) REFERENCES nodes (uuid),
    name VARCHAR(255) NOT NULL, value VARCHAR(255));
CREATE TABLE options (uuid VARCHAR(36) REFERENCES nodes (uuid), name VARCHAR(255), value TEXT,
    PRIMARY KEY (uuid, name));
CREATE TABLE introspection_data (uuid VARCHAR(36) REFERENCES nodes (uuid), processed BOOLEAN, data TEXT,
    PRIMARY KEY (uuid, processed));
CREATE TABLE rules (uuid VARCHAR(36) PRIMARY KEY, created_at {time} NOT NULL, description TEXT,
    disabled BOOLEAN DEFAULT FALSE, scope VARCHAR(255));
CREATE TABLE rule_conditions (id INTEGER PRIMARY KEY, rule VARCHAR(36) REFERENCES rules (uuid),
    op VARCHAR(255) NOT NULL, multiple VARCHAR(255) NOT NULL, invert BOOLEAN DEFAULT FALSE, field TEXT, params TEXT);
CREATE TABLE rule_actions (id INTEGER PRIMARY KEY, rule VARCHAR(36) REFERENCES rules (uuid),
    action VARCHAR(255) NOT NULL, params TEXT);
CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY);
INSERT INTO alembic_version VALUES ('{revision}');
'''


class Sqlite:
    def __init__(self, folder):
        self.path = folder / 'ancestor.sqlite'
        self.url = f'sqlite:///{self.path}'
        self.connection = sqlite3.connect(self.path)
        self.connection.executescript(SCHEMA.format(state='VARCHAR(10)', time='DATETIME', revision=REVISION))

    def insert(self, table, **row):
        names, marks = ', '.join(row), ', '.join('?' * len(row))
        self.connection.execute(f'INSERT INTO {table} ({names}) VALUES ({marks})', list(row.values()))
        self.connection.commit()

    def close(self):
        self.connection.close()


class Postgres:
    def __init__(self):
        self.name = f'ancestor_{uuid.uuid4().hex}'
        databases.administer(f'CREATE DATABASE {self.name}')
        plain = databases.with_name(databases.POSTGRES, self.name)
        self.url = plain.replace('postgresql://', 'postgresql+psycopg2://', 1)
        self.connection = psycopg.connect(plain, autocommit=True)
        states = ', '.join(f"'{state}'" for state in STATES)
        self.connection.execute(f'CREATE TYPE states AS ENUM ({states})')
        for statement in SCHEMA.format(state='states', time='TIMESTAMP', revision=REVISION).split(';'):
            if statement.strip():
                self.connection.execute(statement)

    def insert(self, table, **row):
        names, marks = ', '.join(row), ', '.join(['%s'] * len(row))
        self.connection.execute(f'INSERT INTO {table} ({names}) VALUES ({marks})', list(row.values()))

    def close(self):
        self.connection.close()
        databases.administer(f'DROP DATABASE {self.name} WITH (FORCE)')
