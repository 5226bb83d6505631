"""The daemon under test: configuration, start, stop, kill -9, and its HTTP interface."""

import json
import os
import socket
import subprocess
import time

import requests

BINARY = os.environ.get('ROLLCALL_BIN')
VERSION = 'X-OpenStack-Ironic-Inspector-API-Version'


def environment():
    """Ours without the variables of the tests: the daemon reads those that begin with its name as options."""
    return {name: value for name, value in os.environ.items() if not name.startswith('ROLLCALL_')}


def run(*arguments, seconds=30):
    """A command of the binary that ends by itself."""
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=seconds,
                          env=environment())


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def toml(options):
    """A TOML document of plain options and, as dicts, of sections."""
    plain = {name: value for name, value in options.items() if not isinstance(value, dict)}
    lines = [f'{name} = {json.dumps(value)}' for name, value in plain.items()]
    for section in options.keys() - plain.keys():
        lines += [f'[{section}]'] + [f'{name} = {json.dumps(value)}' for name, value in options[section].items()]
    return '\n'.join(lines) + '\n'


def merged(base, more):
    out = {name: dict(value) if isinstance(value, dict) else value for name, value in base.items()}
    for name, value in more.items():
        out[name] = {**out.get(name, {}), **value} if isinstance(value, dict) else value
    return out


def wait_for(check, what, seconds=20):
    """Asks again and again until the answer is true; returns it."""
    end = time.monotonic() + seconds
    while True:
        answer = check()
        if answer:
            return answer
        assert time.monotonic() < end, f'waited in vain for {what}'
        time.sleep(0.01)


class Rollcall:
    """One daemon with its folder, database and port, through all its restarts."""

    def __init__(self, folder, database, ironic_url, options):
        self.folder, self.database = folder, database
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        self.log, self.config = folder / 'rollcall.log', folder / 'rollcall.toml'
        self.process = self.http = None
        self.config.write_text(toml(merged({
            'listen_address': '127.0.0.1', 'listen_port': self.port, 'auth_strategy': 'noauth',
            'introspection_delay': 0, 'database': {'connection': database.url},
            'processing': {'store_data': 'database'},
            'ironic': {'auth_type': 'none', 'endpoint_override': ironic_url}}, options)))

    # the process

    def spawn(self, crash_at=None):
        """Starts it and does not wait; it dies at the given point of the crash matrix."""
        armed = {'ROLLCALL_TEST_CRASH_AT': crash_at} if crash_at else {}
        with self.log.open('ab') as log:
            self.process = subprocess.Popen(
                [BINARY, 'serve', '--config', str(self.config)], cwd=self.folder, start_new_session=True,
                env={**environment(), **armed}, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                restore_signals=False)  # a file that may not grow is an error then, and no signal

    def start(self, crash_at=None):
        self.spawn(crash_at)
        self.http = requests.Session()
        self.http.mount('http://', requests.adapters.HTTPAdapter(pool_maxsize=64))
        wait_for(self.ready, f'the daemon, see {self.log}', 60)
        return self

    def ready(self):
        assert self.process.poll() is None, f'the daemon ended: {self.log.read_text()[-3000:]}'
        try:
            return requests.get(self.url + '/', timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def terminate(self):
        """Asks it to end and returns at once."""
        self.process.terminate()

    def stop(self, seconds=30):
        """Asks it to end; returns the exit code."""
        self.terminate()
        return self.ended(seconds)

    def ended(self, seconds=30):
        try:
            return self.process.wait(seconds)
        finally:
            self.http.close()

    def kill(self):
        """kill -9: nothing is said to it, nothing is waited for."""
        self.process.kill()
        self.ended()

    def close(self):
        """For the end of a test: it may run or not, and must not outlive it."""
        if self.process is not None and self.process.poll() is None:
            self.terminate()
            try:
                self.ended(5)
            except subprocess.TimeoutExpired:
                self.kill()

    # the HTTP interface

    def call(self, method, path, **more):
        return self.http.request(method, self.url + path, **{'timeout': 60, **more})

    def get(self, path, **more):
        return self.call('GET', path, **more)

    def post(self, path, **more):
        return self.call('POST', path, **more)

    def status(self, ident):
        answer = self.get(f'/v1/introspection/{ident}')
        assert answer.status_code == 200, answer.text
        return answer.json()

    def callback(self, document, **more):
        return self.post('/v1/continue', json=document, **more)


def message(answer):
    """The text of a refusal: in the form of ironic-inspector, or in that of Drydock under its paths."""
    assert answer.headers['Content-Type'].startswith('application/json'), answer.text
    body = answer.json()
    return body['message'] if 'message' in body else body['error']['message']
