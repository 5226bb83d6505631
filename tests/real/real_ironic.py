"""The real Ironic: API and conductor in one process, SQLite, hardware that is only pretended; open, or behind Keystone."""

import os
import subprocess

import requests

from daemon import free_port, wait_for

VERSIONED = {'X-OpenStack-Ironic-API-Version': '1.81'}
KINDS = ('bios', 'boot', 'console', 'deploy', 'firmware', 'inspect', 'management', 'power', 'raid', 'rescue', 'vendor')
WITH_NO = ('bios', 'console', 'firmware', 'inspect', 'raid', 'rescue', 'vendor')

CONFIG = """
[DEFAULT]
auth_strategy = {strategy}
rbac_service_role_elevated_access = true
host = test
my_ip = 127.0.0.1
state_path = {folder}/state
rpc_transport = none
enabled_hardware_types = fake-hardware
{interfaces}
enabled_network_interfaces = noop
default_network_interface = noop
enabled_storage_interfaces = fake,noop
[api]
host_ip = 127.0.0.1
port = {port}
api_workers = 1
[conductor]
automated_clean = false
[database]
connection = sqlite:///{folder}/ironic.sqlite
[dhcp]
dhcp_provider = none
[json_rpc]
auth_strategy = noauth
host_ip = 127.0.0.1
[oslo_concurrency]
lock_path = {folder}/lock
{more}
"""


class RealIronic:
    def __init__(self, environment, folder, keystone=None):
        self.keystone = keystone
        self.programs = os.path.join(environment or '', 'bin')
        self.folder, self.process = folder, None
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'

    def is_installed(self):
        return os.access(os.path.join(self.programs, 'ironic'), os.X_OK)

    def command(self, program, *arguments):
        return [os.path.join(self.programs, program), '--config-file', str(self.folder / 'ironic.conf'), *arguments]

    def start(self):
        interfaces = '\n'.join(f"enabled_{kind}_interfaces = fake{f',no-{kind}' if kind in WITH_NO else ''}"
                               for kind in KINDS)
        config = CONFIG.format(folder=self.folder, port=self.port, interfaces=interfaces, more=self.tokens(),
                               strategy='keystone' if self.keystone else 'noauth')
        (self.folder / 'ironic.conf').write_text(config)
        with (self.folder / 'ironic.log').open('wb') as log:
            output = {'stdout': log, 'stderr': subprocess.STDOUT, 'cwd': self.folder, 'stdin': subprocess.DEVNULL}
            subprocess.run(self.command('ironic-dbsync', 'create_schema'), check=True, **output)
            self.process = subprocess.Popen(self.command('ironic'), start_new_session=True, **output)
        wait_for(self.ready, f'Ironic, see {self.folder}/ironic.log', 120)
        return self

    def tokens(self):
        """The section about tokens, where there is a Keystone."""
        if not self.keystone:
            return ''
        # Without a memory it notices at once that a token is revoked.
        options = {**self.keystone.options('ironic', project_name='service'), 'token_cache_time': -1}
        return '\n'.join(['[keystone_authtoken]', *(f'{name} = {value}' for name, value in options.items())])

    def ready(self):
        """Up, and with a conductor that knows the hardware type."""
        assert self.process.poll() is None, (self.folder / 'ironic.log').read_text()[-3000:]
        try:
            return bool(self.get('/v1/drivers')['drivers'])
        except requests.RequestException:
            return False

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def call(self, method, path, **more):
        headers = {**VERSIONED, **({'X-Auth-Token': self.keystone.admin.get_token()} if self.keystone else {})}
        answer = requests.request(method, self.url + path, headers=headers, timeout=60, **more)
        answer.raise_for_status()
        return answer

    def get(self, path):
        return self.call('GET', path).json()

    def enrol(self, name, address):
        """A node with one port that is `manageable`; returns its UUID."""
        node = self.call('POST', '/v1/nodes', json={'driver': 'fake-hardware', 'name': name}).json()['uuid']
        self.call('POST', '/v1/ports', json={'node_uuid': node, 'address': address})
        self.call('PUT', f'/v1/nodes/{node}/states/provision', json={'target': 'manage'})
        wait_for(lambda: self.node(node)['provision_state'] == 'manageable', 'the node to be manageable', 60)
        return node

    def node(self, ident):
        return self.get(f'/v1/nodes/{ident}')

    def addresses(self, node):
        return [port['address'] for port in self.get(f'/v1/nodes/{node}/ports')['ports']]

    def remove(self, node):
        self.call('DELETE', f'/v1/nodes/{node}')
