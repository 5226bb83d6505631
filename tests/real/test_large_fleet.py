"""The watch over the node service's list with a hundred thousand nodes: what it costs, and that nothing is lost.

The figures are printed (`pytest -s`, or the summary of the test's own output)."""

import json
import pathlib
import sqlite3
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import daemon
import databases
from daemon import wait_for

NODES = 100_000
PAGE = 1000
PERIOD = 4
# Beyond what it needs without any node. A listing of all UUIDs takes 1.6 MB, a page of bodies some hundred KB.
MOST_MORE_MIB = 48

pytestmark = [pytest.mark.alone, pytest.mark.timeout(300)]


class Listing(ThreadingHTTPServer):
    """A node service that lists nodes, page by page, and does nothing else."""

    daemon_threads = True

    def __init__(self, uuids):
        super().__init__(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server_address[1]}'
        self.looks = 0
        self.pages, self.after = [], {}
        for start in range(0, len(uuids), PAGE):
            page = uuids[start:start + PAGE]
            # Ironic shows the links of each node beside its UUID.
            nodes = [{'uuid': each, 'links': [{'rel': 'self', 'href': f'{self.url}/v1/nodes/{each}'}]} for each in page]
            body = {'nodes': nodes}
            if start + PAGE < len(uuids):
                body['next'] = f'{self.url}/v1/nodes?fields=uuid&limit={PAGE}&marker={page[-1]}'
            self.after[page[-1]] = len(self.pages) + 1
            self.pages.append(body)
        self.rendered = [json.dumps(page).encode() for page in self.pages]

    def forget(self, uuids):
        """From now on these are not listed."""
        gone = set(uuids)
        for number, page in enumerate(self.pages):
            nodes = [node for node in page['nodes'] if node['uuid'] not in gone]
            self.rendered[number] = json.dumps({**page, 'nodes': nodes}).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == '/v1/nodes':
            marker = dict(urllib.parse.parse_qsl(url.query)).get('marker')
            number = self.server.after[marker] if marker else 0
            body = self.server.rendered[number]
            if number == len(self.server.rendered) - 1:
                self.server.looks += 1
        else:
            body = b'{"versions": [], "version": {"id": "v1", "min_version": "1.1", "version": "1.82"}}'
        head = ['HTTP/1.1 200 ', 'Content-Type: application/json', f'Content-Length: {len(body)}',
                'X-OpenStack-Ironic-API-Minimum-Version: 1.1', 'X-OpenStack-Ironic-API-Maximum-Version: 1.82', '', '']
        self.wfile.write('\r\n'.join(head).encode() + body)

    def log_message(self, *_):
        """Nothing is printed."""


def fill(path, uuids):
    """Writes a finished record for each node; a run of the daemon for each would take an hour."""
    row = ('INSERT INTO nodes (uuid, version, state, state_since, started_at, finished_at, manage_boot, run_id, last_event,'
           " posted_answered) VALUES (?, 5, 'finished', 1000, 10, 1000, 1, ?, 'finish', 0)")
    with sqlite3.connect(path) as connection:
        connection.executemany(row, ((each, str(uuid.uuid4())) for each in uuids))
    connection.close()


def memory(pid, field):
    [line] = [line for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines() if line.startswith(field)]
    return int(line.split()[1]) / 1024


def cpu_s(pid):
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.fixture
def fleet(tmp_path):
    """A daemon over a full database, and the node service that lists its nodes."""
    uuids = [str(uuid.uuid4()) for _ in range(NODES)]
    listing = Listing(uuids)
    threading.Thread(target=listing.serve_forever, daemon=True).start()
    made = daemon.Rollcall(tmp_path, databases.Sqlite(tmp_path), listing.url, {'clean_up_period': PERIOD})
    assert daemon.run('db', 'upgrade', '--config', made.config).returncode == 0
    fill(tmp_path / 'rollcall.sqlite', uuids)
    try:
        yield made.start(), listing, uuids
    finally:
        made.close()
        listing.shutdown()
        listing.server_close()


def looked(listing, times):
    """Waits until the list was read to its end this often from now on."""
    wanted = listing.looks + times
    wait_for(lambda: listing.looks >= wanted, 'the list to be read', 60)


def test_the_watch_over_a_hundred_thousand_nodes_is_cheap(fleet, database_count):
    rollcall, listing, uuids = fleet
    pid = rollcall.process.pid
    idle_mib, before_s = memory(pid, 'VmRSS'), cpu_s(pid)
    looked(listing, 1)
    slowest = 0
    end = time.monotonic() + 2 * PERIOD
    while time.monotonic() < end:
        began = time.monotonic()
        assert rollcall.get('/v1/introspection?limit=1').status_code == 200
        slowest = max(slowest, time.monotonic() - began)
        time.sleep(0.01)
    looks = listing.looks
    used_s, peak_mib = cpu_s(pid) - before_s, memory(pid, 'VmHWM')
    print(f'\n{NODES} nodes, {looks} looks: {used_s / looks:.2f} s of processor each; resident {idle_mib:.0f} MiB before, '
          f'peak {peak_mib:.0f} MiB; slowest status read meanwhile {slowest * 1000:.0f} ms')
    assert peak_mib - idle_mib < MOST_MORE_MIB
    assert database_count(rollcall) == NODES

    listing.forget(uuids[::1000])
    looked(listing, 2)
    wait_for(lambda: database_count(rollcall) == NODES - NODES // 1000, 'the records to go')
    assert rollcall.get(f'/v1/introspection/{uuids[0]}').status_code == 404
    assert rollcall.status(uuids[1])['state'] == 'finished'


@pytest.fixture
def database_count():
    def count(rollcall):
        [(number,)] = rollcall.database.rows('SELECT count(*) FROM nodes')
        return number
    return count
