"""The real Keystone: SQLite, fernet tokens; and the users, roles and services that a test wants it to have."""

import os
import pathlib
import signal
import subprocess
import time

import requests
from keystoneauth1 import session
from keystoneauth1.identity import v3

from daemon import free_port, wait_for

CONFIG = """
[database]
connection = sqlite:///{folder}/keystone.sqlite
[fernet_tokens]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[token]
provider = fernet
"""
PASSWORD = 'letmein'
REGION = 'R1'


class RealKeystone:
    def __init__(self, environment, folder):
        self.programs = pathlib.Path(environment or '/nonexistent', 'bin')
        self.folder, self.process = folder, None
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}/v3'
        self.names = {}

    def is_installed(self):
        return os.access(self.programs / 'keystone-manage', os.X_OK)

    def start(self):
        (self.folder / 'keystone.conf').write_text(CONFIG.format(folder=self.folder))
        user, group = ('--keystone-user', str(os.getuid())), ('--keystone-group', str(os.getgid()))
        self.manage('db_sync')
        self.manage('fernet_setup', *user, *group)
        self.manage('credential_setup', *user, *group)
        self.manage('bootstrap', '--bootstrap-password', PASSWORD, '--bootstrap-region-id', REGION,
                    *(f'--bootstrap-{interface}-url={self.url}' for interface in ('public', 'internal', 'admin')))
        self.serve()
        self.admin = self.session('admin', system_scope='all')
        self.names['domain'] = {'default': 'default'}
        self.names['project'] = {project['name']: project['id'] for project in self.list('projects')}
        self.names['role'] = {role['name']: role['id'] for role in self.list('roles')}
        return self

    def manage(self, *arguments):
        with (self.folder / 'manage.log').open('ab') as log:
            subprocess.run([self.programs / 'keystone-manage', '--config-file', self.folder / 'keystone.conf',
                            *arguments], check=True, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder)

    def serve(self):
        environment = {**os.environ, 'OS_KEYSTONE_CONFIG_DIR': str(self.folder),
                       'OS_KEYSTONE_CONFIG_FILES': 'keystone.conf', 'PYTHONDONTWRITEBYTECODE': '1'}
        server = pathlib.Path(__file__).with_name('keystone_server.py')
        with (self.folder / 'keystone.log').open('ab') as log:
            self.process = subprocess.Popen([self.programs / 'python', server, str(self.port)], env=environment,
                                            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, start_new_session=True)
        wait_for(self.ready, f'Keystone, see {self.folder}/keystone.log', 120)

    def ready(self):
        assert self.process.poll() is None, (self.folder / 'keystone.log').read_text()[-3000:]
        try:
            return requests.get(self.url, timeout=20).status_code == 200
        except requests.RequestException:
            return False

    def pause(self):
        """It takes connections and does not answer."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """It refuses connections."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    # what it knows

    def session(self, user, **scope):
        """A session of a user; without a scope, whatever the user's default is."""
        auth = v3.Password(auth_url=self.url, username=user, password=PASSWORD, user_domain_id='default',
                           **({'project_domain_id': 'default'} if 'project_name' in scope else {}), **scope)
        return session.Session(auth=auth)

    def call(self, method, path, body=None, user=None):
        answer = (user or self.admin).request(self.url + path, method, json=body, authenticated=True)
        return answer.json() if answer.content else None

    def list(self, kind):
        return self.call('GET', f'/{kind}')[kind]

    def make(self, kind, name, **fields):
        """Something with a name, once; returns its id."""
        known = self.names.setdefault(kind, {})
        if name not in known:
            made = self.call('POST', f'/{kind}s', {kind: {'name': name, **fields}})
            known[name] = made[kind]['id']
        return known[name]

    def grant(self, user, role, project=None, domain=None):
        """Gives a user a role in a project or a domain, or where neither is named, in the system."""
        user = self.make('user', user, password=PASSWORD, domain_id='default')
        if project:
            place = f"/projects/{self.make('project', project, domain_id='default')}"
        else:
            place = f'/domains/{domain}' if domain else '/system'
        self.call('PUT', f"{place}/users/{user}/roles/{self.make('role', role)}")

    def register(self, service_type, url, interfaces=('public', 'internal')):
        """Puts a service at this place into the catalogue, in place of the one that was there."""
        for old in self.list('services'):
            if old['type'] == service_type:
                self.call('DELETE', f"/services/{old['id']}")
        made = self.call('POST', '/services', {'service': {'type': service_type, 'name': service_type}})
        for interface in interfaces:
            self.call('POST', '/endpoints', {'endpoint': {
                'service_id': made['service']['id'], 'interface': interface, 'region_id': REGION, 'url': url}})

    def revoke_tokens_of(self, user):
        """Its tokens are good for nothing from now on; those of the next second are good again."""
        self.call('PATCH', f"/users/{self.names['user'][user]}", {'user': {'password': PASSWORD}})
        time.sleep(1.1)

    def application_credential(self, owner, **fields):
        """One of the owner's; returns its id and secret."""
        made = self.call('POST', f'/users/{owner.get_user_id()}/application_credentials', {
            'application_credential': {'name': f'for {owner.get_user_id()}', **fields}}, owner)
        return made['application_credential']['id'], made['application_credential']['secret']

    def options(self, user, **scope):
        """How a section of the configuration says who we are."""
        return {'auth_type': 'password', 'auth_url': self.url, 'username': user, 'password': PASSWORD,
                'user_domain_id': 'default',
                **({'project_domain_id': 'default'} if 'project_name' in scope else {}), **scope}
