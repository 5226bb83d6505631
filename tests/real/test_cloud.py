"""A whole cloud: Keystone, Ironic behind it, Rollcall between callers with tokens and Ironic; and the clients that
operators have, with tokens and with passwords."""

import json
import os
import pathlib
import subprocess
import sys

import ironic_inspector_client
import time

import pytest
from keystoneauth1 import http_basic, session

import daemon
import databases
from daemon import wait_for
from machines import document, mac
from real_ironic import RealIronic
from real_keystone import PASSWORD, REGION
from tls_front import Authority, TlsFront

OPENSTACK = pathlib.Path(sys.executable).with_name('openstack')
NUMBER = 61000
# PASSWORD, by bcrypt.
DIGEST = '$2b$05$g9s6UShzRpCPm6.dr314ZebYBopJqMcj.wlgQuoTmQEfncShF2Kcu'
RULE = [{'description': 'mark it', 'conditions': [], 'actions': [
    {'action': 'set-attribute', 'path': '/extra/seen', 'value': 'yes'}]}]

# One process starts the real services, and only once.
pytestmark = pytest.mark.xdist_group('real Keystone')


@pytest.fixture(scope='module')
def cloud(tmp_path_factory, real_keystone):
    """An Ironic that takes tokens only, in the service catalogue."""
    real_keystone.grant('ironic', 'service', project='service')
    real_keystone.grant('olga', 'admin', project='operators')
    made = RealIronic(os.environ.get('ROLLCALL_IRONIC_VENV'), tmp_path_factory.mktemp('cloud'), real_keystone)
    if not made.is_installed():
        pytest.skip('no Ironic is installed: ROLLCALL_IRONIC_VENV does not name its environment')
    try:
        real_keystone.register('baremetal', made.start().url)
        yield made
    finally:
        made.stop()


def by_catalogue(keystone, **more):
    """Empty texts unset what the tests set otherwise."""
    return {'endpoint_override': '', 'region_name': REGION,
            **keystone.options('rollcall', project_name='service'), **more}


def started(folder, options):
    made = daemon.Rollcall(folder, databases.Sqlite(folder), '', options)
    try:
        return made.start()
    except BaseException:
        made.close()
        raise


@pytest.fixture
def rollcall(tmp_path, cloud, real_keystone):
    """The daemon with tokens on both sides, in the service catalogue."""
    made = started(tmp_path, {
        'auth_strategy': 'keystone', 'ironic': by_catalogue(real_keystone),
        'keystone_authtoken': real_keystone.options('rollcall', project_name='service')})
    real_keystone.register('baremetal-introspection', made.url)
    yield made
    made.close()


@pytest.fixture
def basic(tmp_path, cloud, real_keystone):
    """The daemon that asks callers for a password."""
    users = tmp_path / 'users'
    users.write_text(f'olga:{DIGEST}\n')
    made = started(tmp_path, {'auth_strategy': 'http_basic', 'http_basic_auth_user_file': str(users),
                              'ironic': by_catalogue(real_keystone)})
    yield made
    made.close()


@pytest.fixture
def node(cloud):
    made = cloud.enrol('rack-8', mac(NUMBER))
    yield made
    cloud.remove(made)


def openstack(identity, *arguments, fails=False):
    """Runs `openstack baremetal introspection ...` as somebody."""
    options = [f'--os-{name}={value}' for name, value in identity.items()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith('OS_')}
    done = subprocess.run([OPENSTACK, *options, 'baremetal', 'introspection', *arguments], capture_output=True,
                          text=True, timeout=180, env=environment)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr if fails else done.stdout


def with_token(keystone, user='olga', project='operators'):
    return {'auth-type': 'password', 'auth-url': keystone.url, 'username': user, 'password': PASSWORD,
            'user-domain-id': 'default', 'project-name': project, 'project-domain-id': 'default',
            'region-name': REGION, 'interface': 'public'}


def until_waiting(client, node):
    wait_for(lambda: client.get_status(node)['state'] == 'waiting', 'the reboot', 60)


def wait(client, node):
    return client.wait_for_finish([node], retry_interval=0.1, max_retries=600)[node]


def rules_go_there_and_back(identity, tmp_path):
    file = tmp_path / 'rules.json'
    file.write_text(json.dumps(RULE))
    [made] = json.loads(openstack(identity, 'rule', 'import', str(file), '-f', 'json'))
    [listed] = json.loads(openstack(identity, 'rule', 'list', '-f', 'json'))
    assert made['UUID'] == listed['UUID'] and listed['Description'] == 'mark it'
    shown = json.loads(openstack(identity, 'rule', 'show', made['UUID'], '-f', 'json'))
    assert shown['actions'] == RULE[0]['actions']
    openstack(identity, 'rule', 'delete', made['UUID'])
    assert json.loads(openstack(identity, 'rule', 'list', '-f', 'json')) == []


def goes_through_an_introspection(client, rollcall, cloud, node):
    """As the library does it, with a rule; the ramdisk has no credentials."""
    client.rules.delete_all()
    client.rules.from_json(RULE[0])
    client.introspect(node)
    until_waiting(client, node)
    assert rollcall.callback(document(NUMBER)).status_code == 200
    status = wait(client, node)
    assert status['finished'] is True and status['error'] is None
    assert [row['uuid'] for row in client.list_statuses()] == [node]
    assert client.get_data(node)['memory_mb'] == 16384
    client.reprocess(node)
    assert wait(client, node)['error'] is None
    found = cloud.node(node)
    assert found['properties']['cpus'] == '8' and found['extra']['seen'] == 'yes'
    assert found['power_state'] == 'power off' and cloud.addresses(node) == [mac(NUMBER)]


def test_the_library_with_a_token(rollcall, cloud, real_keystone, node):
    # It finds Rollcall in the service catalogue, and Rollcall finds Ironic there.
    client = ironic_inspector_client.ClientV1(
        session=real_keystone.session('olga', project_name='operators'), region_name=REGION)
    goes_through_an_introspection(client, rollcall, cloud, node)


def test_the_library_with_a_password(basic, cloud, node):
    identity = http_basic.HTTPBasicAuth(endpoint=basic.url, username='olga', password=PASSWORD)
    client = ironic_inspector_client.ClientV1(session=session.Session(auth=identity), inspector_url=basic.url)
    goes_through_an_introspection(client, basic, cloud, node)


def test_the_command_with_a_token(rollcall, real_keystone, node, tmp_path):
    olga = with_token(real_keystone)
    openstack(olga, 'start', node)
    wait_for(lambda: json.loads(openstack(olga, 'status', node, '-f', 'json'))['state'] == 'waiting', 'the reboot', 60)
    assert rollcall.callback(document(NUMBER)).status_code == 200
    wait_for(lambda: json.loads(openstack(olga, 'status', 'rack-8', '-f', 'json'))['finished'], 'the end', 60)
    [row] = json.loads(openstack(olga, 'list', '-f', 'json'))
    assert row['UUID'] == node and row['Error'] is None
    openstack(olga, 'data', 'save', node, '--file', str(tmp_path / 'data.json'))
    assert json.loads((tmp_path / 'data.json').read_text())['cpus'] == 8
    rules_go_there_and_back(olga, tmp_path)


def test_the_command_tells_who_may_not(rollcall, real_keystone, node):
    real_keystone.grant('mia', 'member', project='demo')
    assert 'Access denied by policy' in openstack(with_token(real_keystone, 'mia', 'demo'), 'list', fails=True)


def test_the_command_with_a_password(basic, tmp_path):
    olga = {'auth-type': 'http_basic', 'endpoint': basic.url, 'username': 'olga', 'password': PASSWORD}
    assert json.loads(openstack(olga, 'list', '-f', 'json')) == []
    rules_go_there_and_back(olga, tmp_path)
    assert 'Authentication required' in openstack({**olga, 'password': 'wrong'}, 'list', fails=True)


def can_reach_ironic(rollcall, node, **more):
    """Whether a start gets as far as Ironic."""
    return rollcall.post(f'/v1/introspection/{node}', **more).status_code == 202


def test_an_application_credential_is_as_good_as_a_password(tmp_path, cloud, real_keystone, node):
    owner = real_keystone.session('rollcall', project_name='service')
    identity, secret = real_keystone.application_credential(owner)
    made = started(tmp_path, {'ironic': {
        'endpoint_override': '', 'auth_type': 'v3applicationcredential', 'auth_url': real_keystone.url,
        'application_credential_id': identity, 'application_credential_secret': secret}})
    try:
        assert can_reach_ironic(made, node)
    finally:
        made.close()


def test_tokens_of_ours_that_are_revoked_are_replaced(rollcall, real_keystone, node):
    def as_olga():
        """With a token that Rollcall has not seen."""
        return {'X-Auth-Token': real_keystone.session('olga', project_name='operators').get_token()}
    assert can_reach_ironic(rollcall, node, headers=as_olga())
    wait_for(lambda: rollcall.get(f'/v1/introspection/{node}', headers=as_olga()).json()['state'] == 'waiting',
             'the reboot', 60)
    # A new password ends all tokens of a user, and the same one again is a new one.
    user = real_keystone.make('user', 'rollcall')
    real_keystone.call('PATCH', f'/users/{user}', {'user': {'password': PASSWORD}})
    # Keystone counts in seconds: it also revokes what it gives out in the rest of this one.
    time.sleep(1.1)
    assert can_reach_ironic(rollcall, node, headers=as_olga())
    assert 'Ironic does not accept our token: another one is asked for' in rollcall.log.read_text()


def test_wrong_credentials_are_told_in_the_log_and_shown_to_nobody(tmp_path, cloud, real_keystone, node):
    made = started(tmp_path, {'ironic': by_catalogue(real_keystone, password='not-the-one')})
    try:
        answer = made.post(f'/v1/introspection/{node}')
        assert answer.status_code == 503 and 'not-the-one' not in answer.text
        log = made.log.read_text()
        assert 'Keystone gives us no token: status 401' in log and 'not-the-one' not in log
    finally:
        made.close()


@pytest.fixture(scope='module')
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp('authority'))


def test_tls_is_spoken_with_keystone_and_ironic(tmp_path, cloud, real_keystone, authority, node):
    """Each server is behind TLS; Ironic wants to see a certificate of ours."""
    identity = TlsFront(authority, real_keystone.port)
    baremetal = TlsFront(authority, cloud.port, callers=authority)
    certificate, key = authority.vouch('rollcall')
    options = by_catalogue(real_keystone, auth_url=identity.url, endpoint_override=baremetal.url)
    of_tls = {'cafile': str(authority.path), 'certfile': str(certificate), 'keyfile': str(key)}
    for name, tls, is_good in [
            ('all', of_tls, True),
            ('any', {**of_tls, 'cafile': '', 'insecure': True}, True),
            ('stranger', {**of_tls, 'cafile': ''}, False),
            ('other authority', {**of_tls, 'cafile': str(Authority(tmp_path, 'other').path)}, False),
            ('no certificate', {'cafile': str(authority.path)}, False)]:
        folder = tmp_path / name
        folder.mkdir()
        made = started(folder, {'ironic': {**options, **tls}})
        try:
            assert can_reach_ironic(made, node) == is_good, name
            if is_good:
                wait_for(lambda: made.status(node)['state'] == 'waiting', name, 60)
        finally:
            made.close()
    identity.close()
    baremetal.close()
