"""Designs: read from folders and servers, asked which nodes they mean, and held against what runs find."""

import base64
import contextlib
import http.server
import json
import threading

import pytest
import requests

import daemon
import databases
from daemon import message, wait_for
from machines import Machine
from tasks import children, command, create, messages, show, stands, texts, until_over, until_waiting

DESIGN = '''
schema: drydock/HardwareProfile/v1
metadata: {{name: server}}
data: {{memory_mb: {memory}, cpu: {{count: 8, architecture: x86_64}}, boot_mode: uefi, disks: {{count: 1}}}}
---
schema: drydock/BaremetalNode/v1
metadata: {{name: rack1}}
data:
  hardware_profile: server
  oob: {{address: {bmc}}}
  metadata: {{boot_mac: '{mac}'}}
  hardware: {{nics: {{eth0: {{mac: '{mac}'}}, eth1: {{mac: '{other}'}}}}}}
'''


def findings(rollcall, task):
    [part] = children(rollcall, task).values()
    rows = [row for row in messages(rollcall, part['task_id']) if 'code' in row['extra']]
    return [(row['extra']['code'], row['level']) for row in rows]


def test_machines_are_held_against_a_design(tmp_path, database, ironic):
    folder = tmp_path / 'designs'
    folder.mkdir()
    options = {'processing': {'store_data': 'database'}, 'design': {'folders': [str(folder)], 'cache_time': 0}}
    rollcall = daemon.Rollcall(tmp_path, database, ironic.url, options)
    try:
        rollcall.start()
        machine = Machine(ironic, rollcall, name='rack1')
        place = folder / 'site.yaml'
        reference = f'file://{place}'

        def declare(**more):
            nics = machine.document['inventory']['interfaces']
            right = {'memory': 16384, 'mac': machine.mac, 'other': nics[1]['mac_address'],
                     'bmc': machine.document['inventory']['bmc_address']}
            place.write_text(DESIGN.format(**{**right, **more}))

        def compare():
            return until_over(rollcall, create(rollcall, 'compare_design', [machine], design_ref=reference))
        declare()
        none = compare()
        assert stands(none) == ('complete', 'failure')
        assert 'There is no inventory of the node yet.' in ' '.join(texts(rollcall, none['task_id']))
        machine.introspect()
        right = compare()
        assert stands(right) == ('complete', 'success') and findings(rollcall, right['task_id']) == [('HW000', 'Info')]
        declare(memory=1024, other='52:54:00:ff:ff:ff')
        wrong = compare()
        assert stands(wrong) == ('complete', 'failure')
        assert findings(rollcall, wrong['task_id']) == [('HW030', 'Error'), ('HW004', 'Error')]
        good = until_over(rollcall, create(rollcall, 'validate_design', design_ref=reference))
        assert stands(good) == ('complete', 'success') and good['design_ref'] == reference
        place.write_text('schema: drydock/BaremetalNode/v1\nmetadata: {name: rack1}\ndata: {hardware_profile: 3}\n')
        bad = until_over(rollcall, create(rollcall, 'validate_design', design_ref=reference))
        assert stands(bad) == ('complete', 'failure') and bad['result']['message'] == 'Site design failed validation.'
        assert rollcall.post('/api/v1.0/validatedesign', json={'href': reference}).status_code == 400
        # What can not be read ends a task with the reason; nothing outside is read, nobody in here is asked.
        for href, why in [(f'file://{folder}/none.yaml', 'No such file'), ('file:///etc/hostname', 'not below'),
                          (f'http://me:s3cret@127.0.0.1:{rollcall.port}/', 'may not be asked')]:
            task = create(rollcall, 'validate_design', design_ref=href)
            failed = until_over(rollcall, task)
            assert stands(failed) == ('complete', 'failure') and why in failed['result']['message'], failed
            assert 's3cret' not in json.dumps(failed)
            assert rollcall.post('/v1/validatedesign', json={'href': href}).status_code == 422
        assert 's3cret' not in rollcall.log.read_text()
        command_line = command(rollcall, 'task', 'create', 'compare_design', '-d', reference, '--block')
        assert command_line.returncode == 1, command_line
    finally:
        rollcall.close()


class Site:
    """A daemon, and the folder that its designs are in."""

    def __init__(self, folder, database, ironic, **design):
        self.place = folder / 'designs' / 'site.yaml'
        self.place.parent.mkdir(exist_ok=True)
        self.reference = f'file://{self.place}'
        self.rollcall = daemon.Rollcall(folder, database, ironic.url, {
            'design': {'folders': [str(self.place.parent)], 'cache_time': 0, **design}})

    def declare(self, machine, more='', **changed):
        nics = machine.document['inventory']['interfaces']
        right = {'memory': 16384, 'mac': machine.mac, 'other': nics[1]['mac_address'],
                 'bmc': machine.document['inventory']['bmc_address']}
        self.place.write_text(DESIGN.format(**{**right, **changed}) + more)


@pytest.fixture
def made_site(tmp_path, database, ironic):
    sites = []

    def make(**design):
        site = Site(tmp_path, database, ironic, **design)
        sites.append(site)
        return site
    yield make
    for site in sites:
        site.rollcall.close()


def kept_findings(rollcall, machine, **query):
    rows = rollcall.get(f'/v1/introspection/{machine.uuid}/builddata',
                        params={'generator': 'design-findings', 'detail': 'true', **query}).json()
    return [json.loads(row['data_element']) for row in rows]


def codes(report):
    return sorted(found['name'] for found in report['details']['messageList'])


def test_every_run_is_held_against_the_design_of_the_configuration(made_site, ironic, tmp_path):
    place = tmp_path / 'designs' / 'site.yaml'
    site = made_site(default=f'file://{place}')
    rollcall = site.rollcall
    machine = Machine(ironic, rollcall, name='rack1')
    stranger = Machine(ironic, rollcall, name='stranger')
    site.declare(machine, memory=1024)
    rollcall.start()
    wait_for(lambda: 'The design was read' in rollcall.log.read_text(), 'the design to be read')
    machine.introspect()
    [report] = kept_findings(rollcall, machine)
    assert (report['status'], codes(report), report['design_ref']) == ('Failure', ['HW030'], site.reference)
    stranger.introspect()
    assert kept_findings(rollcall, stranger) == [], 'it is not declared'
    # A task that names none takes this one, and a filter is answered by it.
    assert stands(until_over(rollcall, create(rollcall, 'compare_design', [machine]))) == ('complete', 'failure')
    site.declare(machine)
    wait_for(lambda: rollcall.log.read_text().count('The design was read') > 1, 'the design to be read again')
    machine.introspect()
    assert [report['status'] for report in kept_findings(rollcall, machine)] == ['Success', 'Failure']
    [latest] = kept_findings(rollcall, machine, latest='true')
    assert codes(latest) == ['HW000']


MORE = '''---
schema: drydock/Rack/v1
metadata: {name: r7, labels: {hall: h1}}
data: {}
---
schema: drydock/BaremetalNode/v1
metadata: {name: other, labels: {role: storage, row: a}}
data: {hardware_profile: server, metadata: {rack: r7, tags: [x]}}
---
schema: drydock/BaremetalNode/v1
metadata: {name: third, labels: {role: storage}}
data: {hardware_profile: server, metadata: {rack: r8, tags: [y]}}
'''


def meant(site, element, **more):
    """The nodes that a filter of one element means, in both places of the API."""
    node_filter = {'filter_set_type': 'intersection', 'filter_set': [element]}
    answers = [site.rollcall.post(f'{root}/nodefilter', json={'node_filter': node_filter, **more}) for root in ('/v1', '/api/v1.0')]
    assert len({answer.status_code for answer in answers}) == 1
    return answers[0].json() if answers[0].status_code == 200 else (answers[0].status_code, message(answers[0]))


def test_a_design_tells_which_nodes_are_meant(made_site, ironic):
    site = made_site()
    rollcall = site.rollcall.start()
    machine = Machine(ironic, rollcall, name='rack1')
    others = [Machine(ironic, rollcall, name='other'), Machine(ironic, rollcall, name='third', extra={'tags': ['z']})]
    site.declare(machine, more=MORE)
    reference = {'design_ref': site.reference}
    storage = {'node_labels': {'role': 'storage', 'row': 'a'}}
    for element, wanted in [
            ({'filter_type': 'union', 'node_names': ['third', 'nobody']}, ['third']),
            ({'filter_type': 'union', 'node_tags': ['x', 'z']}, ['other', 'third']),
            ({'filter_type': 'union', 'rack_names': ['r8']}, ['third']),
            ({'filter_type': 'union', **storage}, ['other', 'third']),
            ({'filter_type': 'intersection', **storage}, ['other']),
            ({'filter_type': 'union', 'rack_labels': {'hall': 'h1'}}, ['other']),
            ({'filter_type': 'union', 'rack_labels': {'hall': 'h2'}}, [])]:
        assert meant(site, element, **reference) == wanted, element
    assert rollcall.post('/v1/nodefilter', json=reference).json() == ['other', 'rack1', 'third']
    by_label = {'filter_type': 'union', 'rack_labels': {'hall': 'h1'}}
    code, why = meant(site, by_label)
    assert code == 400 and 'told by a design only' in why
    assert meant(site, by_label, design_ref=site.reference + '.none')[0] == 422
    assert rollcall.post('/api/v1.0/nodefilter', json={}).status_code == 400
    # A task takes them, and leaves with each run what differs.
    body = {'action': 'introspect_nodes', 'design_ref': site.reference,
            'node_filter': {'filter_set_type': 'union', 'filter_set': [by_label, {'filter_type': 'union', 'node_names': ['rack1']}]}}
    task = rollcall.post('/v1/tasks', json=body).json()['task_id']
    chosen = [machine, others[0]]
    until_waiting(rollcall, *chosen)
    site.place.write_text('')
    chosen[1].document['inventory']['memory']['physical_mb'] = 1
    for each in chosen:
        assert each.callback().status_code == 200
    assert until_over(rollcall, task)['result']['successes'] == ['other', 'rack1']
    [right], [wrong] = (kept_findings(rollcall, each) for each in chosen)
    assert (right['status'], wrong['status'], codes(wrong)) == ('Success', 'Failure', ['HW030']), 'the design is pinned'
    builds = show(rollcall, task, builddata='true')['build_data']
    assert sum(row['generator'] == 'design-findings' for row in builds) == 2


@contextlib.contextmanager
def server(answer):
    """An HTTP server on loopback; `answer` makes status and text of the headers of a request."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, text = answer(self.headers)
            self.send_response(status)
            self.send_header('Content-Length', str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass
    made = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    threading.Thread(target=made.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
    try:
        yield f'127.0.0.1:{made.server_address[1]}'
    finally:
        made.shutdown()
        made.server_close()


PROFILE = 'schema: drydock/HardwareProfile/v1\nmetadata: {name: server}\ndata: {memory_mb: 1}\n'


def test_a_server_that_wants_a_password_gets_the_one_of_the_configuration(made_site):
    wanted = 'Basic ' + base64.b64encode(b'rollcall:pa:ss').decode()
    with server(lambda headers: (200, PROFILE) if headers['Authorization'] == wanted else (401, 'no')) as place:
        site = made_site(allowed_networks=['127.0.0.0/8'], credentials='127.0.0.1:rollcall:pa:ss')
        rollcall = site.rollcall.start()
        task = create(rollcall, 'validate_design', design_ref=f'http://eve:guess@{place}/site.yaml')
        shown = until_over(rollcall, task)
        assert stands(shown) == ('complete', 'success') and shown['design_ref'] == f'http://{place}/site.yaml'
        stored = json.dumps(rollcall.get('/v1/tasks').json()) + rollcall.log.read_text()
        assert 'guess' not in stored and 'pa:ss' not in stored


@pytest.mark.xdist_group('real Keystone')
def test_a_service_gives_its_design_to_a_token_of_keystone(tmp_path, ironic, real_keystone):
    def answer(headers):
        """As a service behind keystonemiddleware does."""
        token = headers['X-Auth-Token'] or 'none'
        asked = requests.get(real_keystone.url + '/auth/tokens',
                             headers={'X-Auth-Token': real_keystone.admin.get_token(), 'X-Subject-Token': token})
        known = asked.status_code == 200 and asked.json()['token']['user']['name'] == 'rollcall'
        return (200, PROFILE) if known else (401, 'no')
    with server(answer) as place:
        who = real_keystone.options('rollcall', project_name='service')
        site = Site(tmp_path, databases.Sqlite(tmp_path), ironic, allowed_networks=['127.0.0.0/8'], token_hosts=[place], **who)
        rollcall = site.rollcall.start()
        try:
            reference = f'deckhand+http://{place}/site.yaml'
            for _ in range(2):
                shown = until_over(rollcall, create(rollcall, 'validate_design', design_ref=reference))
                assert stands(shown) == ('complete', 'success') and shown['design_ref'] == reference, shown
                # The next time the token is one that was revoked.
                real_keystone.revoke_tokens_of('rollcall')
            assert rollcall.post('/v1/validatedesign', json={'href': f'http://{place}/site.yaml'}).status_code == 422
            elsewhere = rollcall.post('/v1/validatedesign', json={'href': f'deckhand+http://localhost:{place.split(":")[1]}/'})
            assert elsewhere.status_code == 422 and 'no token may be sent' in message(elsewhere)
            assert who['password'] not in rollcall.log.read_text()
        finally:
            rollcall.close()
