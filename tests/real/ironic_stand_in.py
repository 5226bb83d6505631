"""A small Ironic for tests, in memory.

It serves the part of the bare metal API that an introspection service uses, records every call, and can hold or fail
calls, which the real service can not be asked for. Nodes and ports may be changed directly under `lock`.

    with Ironic() as ironic:
        node = ironic.add_node(driver_info={...})
        with ironic.hold('PUT', '.*/states/power') as held:
            ...                     # a call arrives and gets no answer
            held.wait()
            held.let_go()           # now it is served; leaving the block without this cuts the connection
"""

import collections
import json
import re
import socket
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOWEST, HIGHEST = 1, 95
VERSION = 'X-OpenStack-Ironic-API-Version'
PAGE = 1000
MAC = re.compile('[0-9a-f]{2}(:[0-9a-f]{2}){5}')

Call = collections.namedtuple('Call', 'method path query body at request_id door')


class Refused(Exception):
    """An answer other than success."""

    def __init__(self, status, text):
        super().__init__(text)
        self.status = status


class Trap:
    """What happens to calls of a method and path (regular expressions) instead of being served."""

    def __init__(self, ironic, method, path, door=None):
        self.ironic, self.door = ironic, door
        self.method, self.path = re.compile(method), re.compile(path)

    def takes(self, call):
        return (self.door in (None, call.door) and self.method.fullmatch(call.method)
                and self.path.fullmatch(call.path))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        with self.ironic.lock:
            if self in self.ironic.traps:
                self.ironic.traps.remove(self)


class Hold(Trap):
    """Calls wait until they are let go (and served) or cut off."""

    def __init__(self, *args):
        super().__init__(*args)
        self.arrived, self.decided, self.serve = threading.Event(), threading.Event(), False

    def wait(self, seconds=20):
        assert self.arrived.wait(seconds), 'no call arrived where one was to be held'

    def let_go(self):
        self.serve = True
        self.end()

    def end(self):
        super().end()
        self.decided.set()

    def spring(self):
        self.arrived.set()
        self.decided.wait()
        if not self.serve:
            raise ConnectionAbortedError


class Failure(Trap):
    """Calls are answered with an error, a number of times (None: always)."""

    def __init__(self, ironic, method, path, status, times):
        super().__init__(ironic, method, path)
        self.status, self.times = status, times

    def spring(self):
        if self.times is not None:
            self.times -= 1
            if self.times == 0:
                self.end()
        raise Refused(self.status, 'broken on purpose')


def changed(document, patch):
    """The document after a JSON patch of whole values."""
    document = json.loads(json.dumps(document))
    for step in patch:
        *way, last = [part.replace('~1', '/').replace('~0', '~') for part in step['path'].strip('/').split('/')]
        place = document
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place.get(part)
            if place is None:
                raise Refused(400, f"there is no {step['path']}")
        apply_step(place, last, step)
    return document


def apply_step(place, last, step):
    if isinstance(place, list):
        place.append(step['value']) if step['op'] == 'add' else place.pop(int(last))
    elif step['op'] == 'add' or (step['op'] == 'replace' and last in place):
        place[last] = step['value']
    elif step['op'] == 'remove' and last in place:
        del place[last]
    else:
        raise Refused(400, f"can not {step['op']} {step['path']}")


class Ironic:
    """The service: its nodes, its ports, its calls, and the server."""

    def __init__(self):
        self.lock = threading.RLock()
        self.nodes, self.ports, self.bad_power = {}, {}, {}
        self.calls, self.traps = [], []
        self.latency = 0
        self.servers = []
        self.url = f'http://127.0.0.1:{self.open_door()}'

    def open_door(self):
        """One more port of the same service, by which its calls can be told from others."""
        server = Server(('127.0.0.1', 0), Handler)
        server.ironic = self
        self.servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
        return server.server_address[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for trap in list(self.traps):
            trap.end()
        for server in self.servers:
            server.shutdown()
            server.server_close()

    # what tests prepare and ask

    def add_node(self, **fields):
        node = {
            'uuid': str(uuid.uuid4()), 'name': None, 'driver': 'fake-hardware', 'driver_info': {}, 'properties': {},
            'extra': {}, 'instance_uuid': None, 'maintenance': False, 'provision_state': 'manageable',
            'power_state': 'power off', 'target_power_state': None, 'boot_device': None, 'traits': [],
            'resource_class': None, **fields}
        with self.lock:
            self.nodes[node['uuid']] = node
        return node

    def add_port(self, node_uuid, address, **fields):
        port = {'uuid': str(uuid.uuid4()), 'node_uuid': node_uuid, 'address': address, 'pxe_enabled': True, 'extra': {},
                'local_link_connection': {}, 'physical_network': None, **fields}
        with self.lock:
            self.ports[port['uuid']] = port
        return port

    def ports_of(self, node_uuid):
        with self.lock:
            return [port for port in self.ports.values() if port['node_uuid'] == node_uuid]

    def calls_of(self, node_uuid, method='.*', path='.*'):
        """Calls on a node, oldest first; `path` is what follows the node's own."""
        wanted = re.compile(f'/v1/nodes/{node_uuid}({path})')
        with self.lock:
            return [call for call in self.calls if re.fullmatch(method, call.method) and wanted.fullmatch(call.path)]

    def power_targets(self, node_uuid):
        return [call.body['target'] for call in self.calls_of(node_uuid, 'PUT', '/states/power')]

    def hold(self, method, path, door=None):
        return self._set(Hold(self, method, path, door))

    def fail(self, method, path, status=500, times=None):
        return self._set(Failure(self, method, path, status, times))

    def _set(self, trap):
        with self.lock:
            self.traps.append(trap)
        return trap

    # what is served: each returns the status and the body

    def node(self, ident):
        with self.lock:
            if ident in self.nodes:
                return self.nodes[ident]
            for node in self.nodes.values():
                if node['name'] == ident:
                    return node
        raise Refused(404, f'Node {ident} could not be found.')

    def port(self, ident):
        with self.lock:
            for port in self.ports.values():
                if ident in (port['uuid'], port['address']):
                    return port
        raise Refused(404, f'Port {ident} could not be found.')

    def root(self, call):
        version = {'id': 'v1', 'links': [{'rel': 'self', 'href': f'{self.url}/v1/'}], 'status': 'CURRENT',
                   'min_version': f'1.{LOWEST}', 'version': f'1.{HIGHEST}'}
        return 200, {'name': 'OpenStack Ironic API', 'versions': [version], 'default_version': version, **version}

    def list_nodes(self, call):
        return 200, self.page('nodes', list(self.nodes.values()), call)

    def list_ports(self, call):
        found = [port for port in self.ports.values()
                 if call.query.get('address') in (None, port['address'])
                 and call.query.get('node_uuid', call.query.get('node')) in (None, port['node_uuid'])]
        return 200, self.page('ports', found, call)

    def list_ports_of(self, call, ident):
        return 200, self.page('ports', self.ports_of(self.node(ident)['uuid']), call)

    def page(self, kind, rows, call):
        rows = sorted(rows, key=lambda row: row['uuid'])
        if 'marker' in call.query:
            rows = [row for row in rows if row['uuid'] > call.query['marker']]
        size = min(int(call.query.get('limit') or PAGE), PAGE)
        answer = {kind: [chosen(row, call) for row in rows[:size]]}
        if len(rows) > size:
            answer['next'] = f"{self.url}/v1/{kind}?limit={size}&marker={rows[size - 1]['uuid']}"
        return answer

    def show_node(self, call, ident):
        return 200, chosen(self.node(ident), call)

    def create_node(self, call):
        return 201, self.add_node(**{'provision_state': 'enroll', **call.body})

    def patch_node(self, call, ident):
        node = self.node(ident)
        self.nodes[node['uuid']] = changed(node, call.body)
        return 200, self.nodes[node['uuid']]

    def delete_node(self, call, ident):
        node = self.nodes.pop(self.node(ident)['uuid'])
        for port in self.ports_of(node['uuid']):
            del self.ports[port['uuid']]
        return 204, None

    def validate(self, call, ident):
        reason = self.bad_power.get(self.node(ident)['uuid'])
        good = {'result': True, 'reason': None}
        return 200, {'power': {'result': reason is None, 'reason': reason}, 'management': good, 'boot': good}

    def states(self, call, ident):
        node = self.node(ident)
        return 200, {key: node[key] for key in ('power_state', 'target_power_state', 'provision_state')}

    def set_power(self, call, ident):
        reached = {'power on': 'power on', 'rebooting': 'power on', 'power off': 'power off'}
        if call.body.get('target') not in reached:
            raise Refused(400, 'no such power state')
        self.node(ident)['power_state'] = reached[call.body['target']]
        return 202, None

    def set_boot_device(self, call, ident):
        self.node(ident)['boot_device'] = call.body['boot_device']
        return 204, None

    def show_traits(self, call, ident):
        return 200, {'traits': self.node(ident)['traits']}

    def set_traits(self, call, ident):
        self.node(ident)['traits'] = call.body['traits']
        return 204, None

    def create_port(self, call):
        address = str(call.body.get('address')).lower()
        if not MAC.fullmatch(address):
            raise Refused(400, f'{address} is no MAC address')
        if any(port['address'] == address for port in self.ports.values()):
            raise Refused(409, f'A port with MAC address {address} already exists.')
        return 201, self.add_port(**{**call.body, 'address': address})

    def patch_port(self, call, ident):
        port = self.port(ident)
        self.ports[port['uuid']] = changed(port, call.body)
        return 200, self.ports[port['uuid']]

    def delete_port(self, call, ident):
        del self.ports[self.port(ident)['uuid']]
        return 204, None

    ROUTES = [(method, re.compile(path), serve) for method, path, serve in (
        ('GET', '/(?:v1/?)?', root),
        ('GET', '/v1/nodes(?:/detail)?', list_nodes),
        ('POST', '/v1/nodes', create_node),
        ('GET', '/v1/nodes/([^/]+)', show_node),
        ('PATCH', '/v1/nodes/([^/]+)', patch_node),
        ('DELETE', '/v1/nodes/([^/]+)', delete_node),
        ('GET', '/v1/nodes/([^/]+)/validate', validate),
        ('GET', '/v1/nodes/([^/]+)/states', states),
        ('PUT', '/v1/nodes/([^/]+)/states/power', set_power),
        ('PUT', '/v1/nodes/([^/]+)/management/boot_device', set_boot_device),
        ('GET', '/v1/nodes/([^/]+)/traits', show_traits),
        ('PUT', '/v1/nodes/([^/]+)/traits', set_traits),
        ('GET', '/v1/nodes/([^/]+)/ports(?:/detail)?', list_ports_of),
        ('GET', '/v1/ports(?:/detail)?', list_ports),
        ('POST', '/v1/ports', create_port),
        ('PATCH', '/v1/ports/([^/]+)', patch_port),
        ('DELETE', '/v1/ports/([^/]+)', delete_port))]

    def answer(self, call):
        """The status and body of a call's answer."""
        with self.lock:
            self.calls.append(call)
            trap = next((trap for trap in self.traps if trap.takes(call)), None)
        if trap:
            trap.spring()
        for method, path, serve in self.ROUTES:
            match = path.fullmatch(call.path)
            if match and method == call.method:
                with self.lock:
                    return serve(self, call, *map(urllib.parse.unquote, match.groups()))
        raise Refused(404, 'Not Found')


def chosen(row, call):
    """The fields of a row that a call asks for."""
    wanted = call.query.get('fields')
    return row if wanted is None else {key: row.get(key) for key in wanted.split(',')}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class Handler(BaseHTTPRequestHandler):
    """HTTP around the service."""

    protocol_version = 'HTTP/1.1'

    def setup(self):
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle_call(self):
        url = urllib.parse.urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        call = Call(self.command, url.path, dict(urllib.parse.parse_qsl(url.query)),
                    json.loads(raw) if raw else None, time.time(),
                    self.headers.get('X-OpenStack-Request-ID'), self.server.server_address[1])
        time.sleep(self.server.ironic.latency)
        try:
            self.check_version()
            status, body = self.server.ironic.answer(call)
        except Refused as refusal:
            fault = {'faultcode': 'Client', 'faultstring': str(refusal), 'debuginfo': None}
            status, body = refusal.status, {'error_message': json.dumps(fault)}
        except ConnectionAbortedError:
            self.close_connection = True
            return
        self.write(status, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_call

    def check_version(self):
        wanted = self.headers.get(VERSION) or f'1.{LOWEST}'
        if wanted == 'latest':
            return
        major, _, minor = wanted.partition('.')
        if major != '1' or not minor.isdigit() or not LOWEST <= int(minor) <= HIGHEST:
            raise Refused(406, f'Version {wanted} is not offered.')

    def write(self, status, body):
        """Head and body in one piece: else each answer waits for the client's delayed acknowledgement."""
        raw = b'' if body is None else json.dumps(body).encode()
        head = [f'HTTP/1.1 {status} ', 'Content-Type: application/json',
                f'X-OpenStack-Ironic-API-Minimum-Version: 1.{LOWEST}',
                f'X-OpenStack-Ironic-API-Maximum-Version: 1.{HIGHEST}']
        if status != 204:
            head.append(f'Content-Length: {len(raw)}')
        try:
            self.wfile.write('\r\n'.join([*head, '', '']).encode() + raw)
        except OSError:
            self.close_connection = True

    def log_message(self, *_):
        """The calls are recorded; nothing is printed."""
