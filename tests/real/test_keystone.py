"""Callers with tokens of a real Keystone: what each may do, and what happens without Keystone."""

import re
import time

import pytest
import requests

import daemon
import databases
from daemon import message, wait_for

# One process starts the real service, and only once.
pytestmark = pytest.mark.xdist_group('real Keystone')

NODE = '0e8e8ef2-7ba2-4b0d-9b54-7a9a2f4d3a11'
# What each rule asks of a caller by default.
RULES = {
    'introspection': 'public',
    'introspection:version': 'public',
    'introspection:continue': 'public',
    'introspection:metrics': 'public',
    'introspection:status': 'read',
    'introspection:start': 'admin',
    'introspection:abort': 'admin',
    'introspection:data': 'admin',
    'introspection:reapply': 'admin',
    'introspection:rule:get': 'admin',
    'introspection:rule:create': 'admin',
    'introspection:rule:delete': 'admin',
    'introspection:inventory:get': 'admin',
    'introspection:inventory:update': 'admin',
    'tasks:read': 'read',
    'tasks:create': 'admin',
    'tasks:delete': 'admin',
    'tasks:validate_design': 'admin',
}
# User, role, scope, and what the rules allow beside what is public.
CALLERS = [
    ('admin', 'admin', {'system_scope': 'all'}, ['read', 'admin']),
    ('admin', 'admin', {'project_name': 'admin'}, ['read', 'admin']),
    ('ada', 'admin', {'domain_id': 'default'}, ['read', 'admin']),
    ('sam', 'service', {'system_scope': 'all'}, ['read', 'admin']),
    ('sam', 'service', {'project_name': 'service'}, ['read', 'admin']),
    ('rita', 'reader', {'system_scope': 'all'}, ['read']),
    ('mia', 'member', {'system_scope': 'all'}, ['read']),
    ('max', 'manager', {'project_name': 'demo'}, []),
    ('mia', 'member', {'project_name': 'demo'}, []),
    ('rita', 'reader', {'project_name': 'demo'}, []),
    ('nora', 'nothing', {'project_name': 'demo'}, []),
    ('nora', 'nothing', {'system_scope': 'all'}, []),
]


def endpoints():
    """Method, path and rule of everything that the daemon answers, as the daemon lists it."""
    found, rule = [], None
    text = daemon.run('config', 'policy').stdout
    for block in text.split('\n\n'):
        requests_of_rule = re.findall(r'^# ([A-Z]+) (/\S*)  \(', block, re.MULTILINE)
        rule = re.search(r'^#"([^"]+)": ', block, re.MULTILINE)
        found += [(method, path, rule.group(1)) for method, path in requests_of_rule]
    return found


def concrete(path):
    for name, value in {'node': NODE, 'rule': NODE, 'task': NODE, 'system': 'web1', 'id': '1', 'version': 'v9'}.items():
        path = path.replace('{%s}' % name, value)
    assert '{' not in path
    return path


def own_options(keystone, **options):
    return {'auth_strategy': 'keystone', **options,
            'keystone_authtoken': {**keystone.options('rollcall', project_name='service'),
                                   'www_authenticate_uri': 'http://keystone.example/',
                                   **options.get('keystone_authtoken', {})}}


@pytest.fixture(scope='module')
def callers(real_keystone):
    """A token of each, by its place in the table."""
    made = []
    for user, role, scope, _ in CALLERS:
        if user != 'admin':
            real_keystone.grant(user, role, project=scope.get('project_name'), domain=scope.get('domain_id'))
        made.append(real_keystone.session(user, **scope).get_token())
    return made


@pytest.fixture(scope='module')
def guarded(tmp_path_factory, real_keystone, module_ironic):
    """A daemon that all tests of the table share."""
    folder = tmp_path_factory.mktemp('guarded')
    made = daemon.Rollcall(folder, databases.Sqlite(folder), module_ironic.url, own_options(real_keystone))
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture
def rollcall(request, tmp_path, database, ironic, real_keystone):
    """A daemon of the test's own."""
    mark = request.node.get_closest_marker('configured')
    options = own_options(real_keystone, **(mark.kwargs if mark else {}))
    made = daemon.Rollcall(tmp_path, database, ironic.url, options)
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture
def database(tmp_path):
    return databases.Sqlite(tmp_path)


def ask(rollcall, token, method='GET', path='/v1/introspection', **more):
    return rollcall.call(method, path, headers={'X-Auth-Token': token} if token else {}, **more)


def test_the_daemon_lists_every_rule_and_every_rule_is_in_the_table():
    listed = endpoints()
    assert {rule for _, _, rule in listed} == set(RULES)
    assert {('POST', '/v1/introspection/{node}', 'introspection:start'),
            ('POST', '/v1/introspection/{node}/callback-token', 'introspection:start'),
            ('GET', '/v1/openapi.json', 'introspection:version')} <= set(listed) and len(listed) >= 23


@pytest.mark.parametrize('number', range(len(CALLERS)),
                         ids=[f"{user}-{'-'.join(scope.values())}" for user, _, scope, _ in CALLERS])
def test_a_caller_may_do_what_the_policy_says_and_nothing_else(guarded, callers, number):
    allowed = ['public', *CALLERS[number][3]]
    for method, path, rule in endpoints():
        answer = ask(guarded, callers[number], method, concrete(path))
        if RULES[rule] in allowed:
            assert answer.status_code not in (401, 403) and answer.status_code < 500, (method, path, answer.text)
        else:
            assert (answer.status_code, message(answer)) == (403, 'Access denied by policy'), (method, path)


@pytest.mark.parametrize('token', [None, 'nonsense', 'gAAAAABrA-xzvIKwdx-bym0jzTHAUzImCgzVX3g1am9vBPUqxGovcsRC4B0e'])
def test_without_a_good_token_there_is_only_what_is_public(guarded, token):
    for method, path, rule in endpoints():
        answer = ask(guarded, token, method, concrete(path))
        if RULES[rule] == 'public':
            assert answer.status_code not in (401, 403) and answer.status_code < 500, (method, path, answer.text)
        else:
            assert (answer.status_code, message(answer)) == (401, 'Authentication required'), (method, path)
            assert answer.headers['WWW-Authenticate'] == 'Keystone uri="http://keystone.example/"'


def test_head_is_no_way_around(guarded, callers):
    assert ask(guarded, None, 'HEAD').status_code == 401
    assert ask(guarded, callers[0], 'HEAD').status_code == 200


def test_no_token_is_in_the_log(guarded, callers):
    ask(guarded, 'a-token-of-nobody')
    log = guarded.log.read_text()
    assert all(token not in log for token in [*callers, 'a-token-of-nobody', 'letmein'])


@pytest.mark.configured(keystone_authtoken={'token_cache_time': 0})
def test_a_revoked_token_is_noticed_at_once_where_nothing_is_remembered(rollcall, real_keystone):
    session = real_keystone.session('admin', system_scope='all')
    token = session.get_token()
    assert ask(rollcall, token).status_code == 200
    session.request(real_keystone.url + '/auth/tokens', 'DELETE', headers={'X-Subject-Token': token})
    assert ask(rollcall, token).status_code == 401


def test_a_token_that_is_known_is_not_examined_again(rollcall, real_keystone, callers):
    assert ask(rollcall, callers[0]).status_code == 200
    counted = rollcall.get('/metrics').text
    assert 'rollcall_tokens_total{outcome="good"} 1' in counted
    for _ in range(50):
        assert ask(rollcall, callers[0]).status_code == 200
    counted = rollcall.get('/metrics').text
    assert 'rollcall_tokens_total{outcome="good"} 1' in counted
    assert 'rollcall_tokens_total{outcome="remembered"} 50' in counted


@pytest.mark.configured(keystone_authtoken={'validation_timeout': 3, 'http_request_max_retries': 0})
def test_while_keystone_hangs_or_is_away_only_those_known_are_let_in(rollcall, real_keystone, callers):
    # On a busy machine the first answer of the real service may take longer than is waited for.
    wait_for(lambda: ask(rollcall, callers[0]).status_code == 200, 'Keystone to answer', 60)
    for leave, come_back in [(real_keystone.pause, real_keystone.go_on), (real_keystone.stop, real_keystone.serve)]:
        leave()
        try:
            began = time.monotonic()
            answer = ask(rollcall, f'unknown-{leave.__name__}')
            assert (answer.status_code, message(answer)) == (
                503, 'The Keystone service is temporarily unavailable.')
            assert answer.headers['Retry-After'] and time.monotonic() - began < 8
            assert ask(rollcall, callers[0]).status_code == 200
            assert ask(rollcall, None).status_code == 401
            assert rollcall.post('/v1/continue', json={}).status_code == 400
        finally:
            come_back()
        wait_for(lambda: ask(rollcall, f'unknown-{leave.__name__}').status_code == 401, 'Keystone to be asked again', 60)


def test_a_restricted_credential_is_good_for_what_it_names(guarded, real_keystone):
    real_keystone.grant('sue', 'service', project='service')
    owner = real_keystone.session('sue', project_name='service')
    identity, secret = real_keystone.application_credential(owner, access_rules=[
        {'service': 'baremetal-introspection', 'method': 'GET', 'path': '/v1/introspection/*'}])
    answer = requests.post(real_keystone.url + '/auth/tokens', timeout=60, json={'auth': {'identity': {
        'methods': ['application_credential'], 'application_credential': {'id': identity, 'secret': secret}}}})
    token = answer.headers['X-Subject-Token']
    assert ask(guarded, token, path=f'/v1/introspection/{NODE}').status_code == 404
    assert ask(guarded, token).status_code == 401
    assert ask(guarded, token, 'POST', f'/v1/introspection/{NODE}').status_code == 401


def test_a_file_of_rules_counts_and_is_read_again(tmp_path, ironic, real_keystone, callers):
    policy = tmp_path / 'policy.yaml'
    policy.write_text('"introspection:status": "rule:ours"\n"ours": "role:member and not role:manager"\n')
    options = own_options(real_keystone, oslo_policy={'policy_file': str(policy)})
    made = daemon.Rollcall(tmp_path, databases.Sqlite(tmp_path), ironic.url, options)
    manager, member = callers[7], callers[8]
    try:
        made.start()
        assert ask(made, member).status_code == 200
        assert ask(made, manager).status_code == 403
        policy.write_text('"introspection:status": "role:manager"\n')
        wait_for(lambda: ask(made, member).status_code == 403, 'the file to be read')
        assert ask(made, manager).status_code == 200
        policy.write_text('"introspection:statsu": "@"\n')
        wait_for(lambda: ask(made, manager).status_code == 200 and 'introspection:statsu' in made.log.read_text(),
                 'the file to be refused')
        assert ask(made, member).status_code == 403
        made.stop()
        made.spawn()
        assert made.ended() == 1
        assert 'introspection:statsu: there is no such rule' in made.log.read_text()
    finally:
        made.close()


def test_who_asked_is_in_the_history(rollcall, ironic, real_keystone, callers):
    node = ironic.add_node(driver_info={'ipmi_address': '10.1.2.3'})['uuid']
    assert ask(rollcall, callers[3], 'POST', f'/v1/introspection/{node}').status_code == 202
    events = ask(rollcall, callers[3], path=f'/v1/introspection/{node}/events').text
    assert '"sam req-' in events, events
