"""Databases for daemons under test, and a look into them from outside."""

import os
import sqlite3
import uuid

import psycopg

POSTGRES = os.environ.get('ROLLCALL_TEST_POSTGRES')


class Sqlite:
    def __init__(self, folder):
        self.path = folder / 'rollcall.sqlite'
        self.url = f'sqlite:///{self.path}'
        self.reader = None

    def rows(self, statement):
        """The rows of one statement, which is one snapshot."""
        if self.reader is None:
            self.reader = sqlite3.connect(f'file:{self.path}?mode=ro', uri=True, timeout=30, isolation_level=None,
                                          check_same_thread=False)
        return self.reader.execute(statement).fetchall()

    def drop(self):
        if self.reader is not None:
            self.reader.close()


class Postgres:
    """A database of its own in the cluster that the environment names."""

    def __init__(self):
        self.name = f'real_{uuid.uuid4().hex}'
        self.url = with_name(POSTGRES, self.name)
        self.reader = None
        administer(f'CREATE DATABASE {self.name}')

    def rows(self, statement):
        if self.reader is None:
            self.reader = psycopg.connect(self.url, autocommit=True)
        return self.reader.execute(statement).fetchall()

    def drop(self):
        if self.reader is not None:
            self.reader.close()
        administer(f'DROP DATABASE {self.name} WITH (FORCE)')


def with_name(url, name):
    """The URL of another database of the same server."""
    head, _, query = url.partition('?')
    scheme, _, rest = head.partition('://')
    return f"{scheme}://{rest.partition('/')[0]}/{name}?{query}"


def administer(statement):
    with psycopg.connect(POSTGRES, autocommit=True) as connection:
        connection.execute(statement)
