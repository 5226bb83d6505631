"""A PostgreSQL server of a test's own, on loopback, that can be stopped, started, moved and given certificates."""

import glob
import os
import shutil
import subprocess

import psycopg

from daemon import free_port


def binaries():
    """The folder of the newest server that is installed, if there is one."""
    found = sorted(glob.glob('/usr/lib/postgresql/*/bin/initdb'), key=lambda path: int(path.split('/')[4]))
    return os.path.dirname(found[-1]) if found else None


class RealPostgres:
    def __init__(self, folder):
        self.folder, self.bin = folder / 'postgres', binaries()
        self.port = free_port()

    def is_installed(self):
        return self.bin is not None

    def _run(self, program, *arguments):
        command = [os.path.join(self.bin, program), '-D', str(self.folder / 'data'), *arguments]
        if os.geteuid() == 0:
            command = ['runuser', '-u', 'postgres', '--', *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, timeout=120)

    def make(self):
        self.folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(self.folder, 'postgres')
            # The server's user has to be able to get there.
            for parent in self.folder.parents:
                if parent.stat().st_uid == 0 and parent != parent.parent:
                    parent.chmod(parent.stat().st_mode | 0o011)
        self._run('initdb', '-A', 'trust', '--no-sync', '-U', 'rollcall', '--encoding=UTF8', '--locale=C.UTF-8')
        return self

    def start(self, *settings):
        options = ['listen_addresses=127.0.0.1', f'port={self.port}', f'unix_socket_directories={self.folder}',
                   'max_connections=200', *settings]
        self._run('pg_ctl', '-w', '-l', str(self.folder / 'log'), '-o', ' '.join(f'-c {one}' for one in options), 'start')
        return self

    def stop(self, mode='fast'):
        self._run('pg_ctl', '-m', mode, '-w', 'stop')

    def is_running(self):
        return (self.folder / 'data' / 'postmaster.pid').exists()

    def close(self):
        if self.is_running():
            self.stop('immediate')

    @property
    def url(self):
        return f'postgresql://rollcall@127.0.0.1:{self.port}/postgres'

    def rows(self, statement):
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement).fetchall()
