"""The real Swift: proxy, account, container and object server, one replica each, with memcached; before it tempauth or a
real Keystone."""

import configparser
import os
import pathlib
import signal
import socket
import shutil
import subprocess

import requests

from daemon import free_port, wait_for

USER, PASSWORD = 'test:tester', 'testing'
CONTAINER = 'ironic-inspector'
KINDS = ('object', 'container', 'account')


class RealSwift:
    def __init__(self, environment, folder, keystone=None):
        self.programs = pathlib.Path(environment or '/nonexistent', 'bin')
        self.folder, self.keystone = folder, keystone
        self.processes = {}
        self.ports = {name: free_port() for name in (*KINDS, 'proxy', 'memcached')}
        self.url = f"http://127.0.0.1:{self.ports['proxy']}"

    def is_installed(self):
        return os.access(self.programs / 'swift-proxy-server', os.X_OK) and shutil.which('memcached')

    # its life

    def start(self):
        (self.folder / 'etc').mkdir()
        (self.folder / 'devices' / 'd1').mkdir(parents=True)
        self.write('swift.conf', {
            'swift-hash': {'swift_hash_path_prefix': 'a', 'swift_hash_path_suffix': 'b'},
            'storage-policy:0': {'name': 'gold', 'default': 'yes'}})
        for kind in KINDS:
            self.make_ring(kind)
            self.write(f'{kind}-server.conf', {
                'DEFAULT': {**self.common(kind), 'devices': self.folder / 'devices', 'mount_check': 'false'},
                'pipeline:main': {'pipeline': f'{kind}-server'},
                f'app:{kind}-server': {'use': f'egg:swift#{kind}'}})
        self.write('proxy-server.conf', self.proxy())
        self.start_memcached()
        for kind in KINDS:
            self.serve(kind)
        return self.go_up()

    def common(self, kind):
        return {'bind_ip': '127.0.0.1', 'bind_port': self.ports[kind], 'workers': '0', 'swift_dir': self.folder / 'etc',
                'user': os.environ.get('USER', 'root'), 'log_level': 'WARNING'}

    def proxy(self):
        guard = ['authtoken', 'keystoneauth'] if self.keystone else ['tempauth']
        memcached = f"127.0.0.1:{self.ports['memcached']}"
        sections = {
            'DEFAULT': self.common('proxy'),
            'pipeline:main': {'pipeline': ' '.join(['catch_errors', 'healthcheck', 'cache', *guard, 'proxy-server'])},
            'app:proxy-server': {'use': 'egg:swift#proxy', 'account_autocreate': 'true', 'allow_account_management': 'true'},
            'filter:catch_errors': {'use': 'egg:swift#catch_errors'},
            'filter:healthcheck': {'use': 'egg:swift#healthcheck'},
            'filter:cache': {'use': 'egg:swift#memcache', 'memcache_servers': memcached},
        }
        if self.keystone is None:
            sections['filter:tempauth'] = {'use': 'egg:swift#tempauth', 'user_test_tester': 'testing .admin'}
            return sections
        sections['filter:authtoken'] = {
            'paste.filter_factory': 'keystonemiddleware.auth_token:filter_factory',
            'www_authenticate_uri': self.keystone.url, 'delay_auth_decision': 'true', 'cache': 'swift.cache',
            'include_service_catalog': 'false', 'token_cache_time': '-1',
            **self.keystone.options('rollcall', project_name='service')}
        sections['filter:keystoneauth'] = {'use': 'egg:swift#keystoneauth', 'operator_roles': 'service, admin'}
        return sections

    def write(self, name, sections):
        parser = configparser.RawConfigParser(default_section=None)
        parser.read_dict({name: {key: str(value) for key, value in section.items()} for name, section in sections.items()})
        with (self.folder / 'etc' / name).open('w') as file:
            parser.write(file)

    def make_ring(self, kind):
        builder = self.folder / 'etc' / f'{kind}.builder'
        for arguments in (('create', '4', '1', '1'), ('add', f"r1z1-127.0.0.1:{self.ports[kind]}/d1", '1'), ('rebalance',)):
            subprocess.run([self.programs / 'swift-ring-builder', builder, *arguments], check=True,
                           stdout=subprocess.DEVNULL, env=self.environment())

    def environment(self):
        return {**os.environ, 'SWIFT_DIR': str(self.folder / 'etc'), 'PYTHONDONTWRITEBYTECODE': '1', 'PYTHONWARNINGS': 'ignore'}

    def spawn(self, name, *command):
        with (self.folder / f'{name}.log').open('ab') as log:
            self.processes[name] = subprocess.Popen(command, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log,
                                                    stderr=subprocess.STDOUT, start_new_session=True)

    def start_memcached(self):
        self.spawn('memcached', 'memcached', '-u', os.environ.get('USER', 'root'), '-l', '127.0.0.1', '-U', '0',
                   '-p', str(self.ports['memcached']))

    def serve(self, kind):
        self.spawn(kind, self.programs / f'swift-{kind}-server', self.folder / 'etc' / f'{kind}-server.conf')
        wait_for(lambda: self.listens(kind), f'the {kind} server, see {self.folder}/{kind}.log', 60)

    def listens(self, kind):
        assert self.processes[kind].poll() is None, (self.folder / f'{kind}.log').read_text()[-3000:]
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', self.ports[kind])) == 0

    def go_up(self):
        """The proxy takes connections (again)."""
        self.serve('proxy')
        return self

    def go_down(self):
        """The proxy refuses connections."""
        self.end('proxy')

    def pause(self):
        """The proxy takes connections and does not answer."""
        self.processes['proxy'].send_signal(signal.SIGSTOP)

    def go_on(self):
        self.processes['proxy'].send_signal(signal.SIGCONT)

    def end(self, name):
        process = self.processes.pop(name, None)
        if process is not None:
            process.kill()
            process.wait()

    def stop(self):
        for name in list(self.processes):
            self.end(name)

    def forget_tokens(self):
        """No token that it gave is good any more."""
        with socket.create_connection(('127.0.0.1', self.ports['memcached'])) as memcached:
            memcached.sendall(b'flush_all\r\n')
            assert memcached.recv(100).startswith(b'OK')

    # how it is reached

    def options(self, container, **more):
        """How the configuration names it."""
        if self.keystone is None:
            who = {'auth_type': 'v1password', 'auth_url': f'{self.url}/auth/v1.0', 'username': USER, 'password': PASSWORD}
        else:
            who = {**self.keystone.options('rollcall', project_name='service'), 'region_name': 'R1'}
        return {'processing': {'store_data': 'swift'}, 'swift': {**who, 'container': container, 'timeout': 2, **more}}

    def account(self):
        """The account's URL, and the header that opens it."""
        if self.keystone is None:
            answer = requests.get(f'{self.url}/auth/v1.0', timeout=30, headers={
                'X-Storage-User': USER, 'X-Storage-Pass': PASSWORD})
            return answer.headers['X-Storage-Url'], {'X-Auth-Token': answer.headers['X-Auth-Token']}
        session = self.keystone.session('rollcall', project_name='service')
        return f'{self.url}/v1/AUTH_{session.get_project_id()}', {'X-Auth-Token': session.get_token()}

    def ask(self, method, *path, **more):
        url, headers = self.account()
        return requests.request(method, '/'.join([url, *path]), headers=headers, timeout=30, **more)


def name(uuid, raw=False):
    """The name of an object."""
    return f'inspector_data-{uuid}' + ('-UNPROCESSED' if raw else '')
