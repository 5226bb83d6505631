"""The whole interface in small: what a client may ask, and what is refused, on both databases."""

import uuid

import pytest

from daemon import VERSION, message

NOBODY = '5b7a1c4e-0000-4000-8000-000000000000'
RANGE = {VERSION.replace('API-Version', f'API-{which}-Version'): value
         for which, value in (('Minimum', '1.0'), ('Maximum', '1.18'))}


# discovery of the interface

def test_the_root_names_one_version_and_the_range_of_microversions(rollcall):
    answer = rollcall.get('/')
    [version] = answer.json()['versions']
    assert version['id'] == '1.18' and version['status'] == 'CURRENT'
    assert RANGE.items() <= answer.headers.items()


@pytest.mark.parametrize('wanted, status', [('1.0', 200), ('latest', 200), ('1.19', 406), ('2.0', 406), ('one', 400)])
def test_a_microversion_is_served_or_refused(rollcall, wanted, status):
    answer = rollcall.get('/v1/introspection', headers={VERSION: wanted})
    assert answer.status_code == status
    assert RANGE.items() <= answer.headers.items()


def test_what_does_not_exist_is_a_json_error(rollcall):
    for path in ('/v1/nothing', '/v2', f'/v1/introspection/{NOBODY}', f'/v1/introspection/{NOBODY}/data'):
        answer = rollcall.get(path)
        assert answer.status_code == 404 and message(answer)


# start

def test_a_started_machine_is_set_to_boot_from_the_network_and_rebooted(machine, ironic):
    answer = machine.begin()
    assert answer.status_code == 202 and answer.json() == {}
    status = machine.wait('waiting')
    assert status['finished'] is False and status['finished_at'] is None and status['error'] is None
    assert machine.node['boot_device'] == 'pxe'
    assert ironic.power_targets(machine.uuid) == ['rebooting']
    changes = [call.path.rpartition('/')[2] for call in ironic.calls_of(machine.uuid, 'PUT')]
    assert changes == ['boot_device', 'power']


def test_a_start_by_name_starts_the_node(rollcall, machines):
    machine = machines(name='rack-7')
    assert rollcall.post('/v1/introspection/rack-7').status_code == 202
    assert machine.wait('waiting')['uuid'] == machine.uuid
    assert rollcall.status('rack-7')['uuid'] == machine.uuid


def test_a_start_without_managed_boot_leaves_the_power_alone(machine, ironic):
    machine.until_waiting(manage_boot='false')
    assert machine.callback().status_code == 200
    machine.wait('finished')
    assert ironic.power_targets(machine.uuid) == [] and machine.node['boot_device'] is None


def test_a_start_is_refused_for_what_can_not_be_started(rollcall, machines, ironic):
    in_use, powerless = machines(provision_state='active'), machines()
    ironic.bad_power[powerless.uuid] = 'no address of a BMC'
    for answer, status, text in (
            (rollcall.post(f'/v1/introspection/{NOBODY}'), 404, f'Node {NOBODY} was not found in Ironic'),
            (in_use.begin(), 400, 'Invalid provision state for introspection: "active"'),
            (powerless.begin(), 400, 'Failed validation of power interface: '),
            (powerless.begin(), 400, 'no address of a BMC'),
            (powerless.begin(manage_boot='maybe'), 400, 'Invalid boolean value for manage_boot: maybe')):
        assert answer.status_code == status and text in message(answer)
    assert rollcall.get('/v1/introspection').json() == {'introspection': []}


def test_a_start_that_can_not_reboot_the_machine_ends_in_error(machine, ironic):
    with ironic.fail('PUT', '.*/states/power'):
        machine.begin()
        status = machine.wait('error', seconds=30)
    assert status['error'].startswith('Failed to power on the node, check its power management configuration: ')
    assert status['finished'] is True and status['finished_at']


def test_a_waiting_machine_can_be_started_again(machine, ironic):
    first = machine.until_waiting()
    assert machine.begin().status_code == 202
    second = machine.wait('waiting')
    assert second['started_at'] > first['started_at']
    assert machine.callback().status_code == 200
    machine.wait('finished')


def test_a_second_start_is_refused_while_the_first_is_under_way(machine, ironic):
    with ironic.hold('PUT', '.*/states/power') as held:
        machine.begin()
        held.wait()
        answer = machine.begin()
        assert answer.status_code == 400 and "from state 'starting' on event 'start'" in message(answer)
        held.let_go()
        machine.wait('waiting')
    assert ironic.power_targets(machine.uuid) == ['rebooting']


# callback

def test_a_callback_updates_the_node_and_powers_the_machine_off(machine, ironic):
    status = machine.introspect()
    assert status['finished'] is True and status['finished_at'] > status['started_at']
    assert machine.is_updated(), machine.node['properties']
    assert [port['address'] for port in ironic.ports_of(machine.uuid)] == [machine.mac]
    assert ironic.power_targets(machine.uuid) == ['rebooting', 'power off']
    assert machine.node['power_state'] == 'power off'


def test_a_callback_of_a_stranger_is_refused(rollcall, machine, machines):
    machine.until_waiting()
    answer = machines().callback()
    assert answer.status_code == 400 and 'Could not find a node for attributes' in message(answer)
    assert machine.state() == 'waiting'


@pytest.mark.parametrize('body', [b'', b'{', b'[]', b'"text"', b'{"inventory": 5}', b'\xff\xfe'])
def test_a_callback_that_makes_no_sense_is_refused_and_changes_nothing(rollcall, machine, body):
    machine.until_waiting()
    answer = rollcall.post('/v1/continue', data=body)
    assert answer.status_code == 400 and message(answer)
    assert machine.state() == 'waiting'


def test_a_failure_that_the_ramdisk_reports_ends_the_run(machine, ironic):
    machine.until_waiting()
    answer = machine.callback(error='no disks were found')
    assert answer.status_code == 400 and 'Ramdisk reported error: no disks were found' in message(answer)
    status = machine.wait('error')
    assert 'no disks were found' in status['error']
    assert ironic.power_targets(machine.uuid) == ['rebooting'] and not machine.is_updated()


def test_a_second_callback_is_refused_and_changes_nothing(machine, ironic):
    first = machine.introspect()
    answer = machine.callback()
    assert answer.status_code == 400 and message(answer)
    assert machine.status() == first


@pytest.mark.configured(ironic={'max_retries': 1, 'retry_interval': 1})
def test_a_callback_while_ironic_is_down_may_be_repeated(machine, ironic):
    machine.until_waiting()
    with ironic.fail('GET', f'/v1/nodes/{machine.uuid}', 503):
        answer = machine.callback()
        assert answer.status_code == 503, answer.text
        assert machine.state() == 'waiting'
    assert machine.callback().status_code == 200
    machine.wait('finished')


def test_a_power_off_that_fails_ends_in_error_but_keeps_the_data(machine, ironic):
    machine.until_waiting()
    with ironic.fail('PUT', '.*/states/power'):
        assert machine.callback().status_code == 200
        status = machine.wait('error', seconds=30)
    assert status['error'].startswith(f'Failed to power off node {machine.uuid}')
    assert machine.data().json()['cpus'] == 8 and machine.is_updated()


# data

def test_the_data_is_kept_as_posted_and_as_processed(machine):
    machine.document['note'] = {'unicode': '\N{SNOWMAN}', 'big': 2 ** 70, 'list': [1.5, None, True]}
    machine.introspect()
    assert machine.raw().json() == machine.document
    processed = machine.data().json()
    assert machine.document.items() <= processed.items()
    assert (processed['cpus'], processed['memory_mb'], processed['local_gb']) == (8, 16384, 99)
    assert set(processed['all_interfaces']) == {'eth0', 'eth1'}


def test_logs_are_no_part_of_the_data(machine):
    machine.document['logs'] = 'H4sIAAAAAAAAAwMAAAAAAAAAAAA='
    machine.introspect()
    assert 'logs' not in machine.raw().json() and 'logs' not in machine.data().json()


def test_there_is_no_data_before_a_callback_or_after_the_next_start(machine):
    machine.until_waiting()
    assert machine.data().status_code == machine.raw().status_code == 404
    machine.callback()
    machine.wait('finished')
    assert machine.data().status_code == 200
    machine.until_waiting()
    assert machine.data().status_code == 404


@pytest.mark.configured(processing={'store_data': 'none'})
def test_without_a_store_there_is_no_data(machine):
    machine.introspect()
    assert machine.data().status_code == 404 and 'not configured to store data' in message(machine.data())
    answer = machine.reapply()
    assert answer.status_code == 400 and 'not configured to store introspection data' in message(answer)


# reapply

def test_a_reapply_processes_the_stored_data_again(machine, ironic):
    before = machine.introspect()
    machine.node['properties'].clear()
    status = machine.process_again()
    assert status['started_at'] > before['started_at'] and status['error'] is None
    assert machine.is_updated()
    assert ironic.power_targets(machine.uuid) == ['rebooting', 'power off'], 'a reapply leaves the power alone'


def test_a_reapply_with_a_body_replaces_the_data(machine):
    machine.introspect()
    machine.document['inventory']['cpu']['count'] = 64
    machine.process_again(json=machine.document)
    assert machine.node['properties']['cpus'] == '64'
    assert machine.raw().json() == machine.document


def test_a_reapply_is_refused_where_there_is_nothing_to_apply(machine, rollcall):
    machine.until_waiting()
    assert machine.reapply().status_code == 404
    assert machine.reapply(data='[1]').status_code == 400
    assert rollcall.post(f'/v1/introspection/{NOBODY}/data/unprocessed').status_code == 404
    assert machine.state() == 'waiting'


# abort

def test_an_abort_powers_the_machine_off_and_ends_in_error(machine, ironic):
    machine.until_waiting()
    assert machine.abort().status_code == 202
    status = machine.wait('error')
    assert status['error'] == 'Canceled by operator' and status['finished'] is True
    assert ironic.power_targets(machine.uuid) == ['rebooting', 'power off']
    assert machine.callback().status_code == 400


def test_an_abort_of_what_is_not_waiting_changes_nothing(machine, rollcall, ironic):
    assert rollcall.post(f'/v1/introspection/{NOBODY}/abort').status_code == 404
    before = machine.introspect()
    assert machine.abort().status_code in (202, 400, 409)
    assert machine.status() == before
    assert ironic.power_targets(machine.uuid) == ['rebooting', 'power off']


def test_a_machine_can_be_introspected_again_after_an_abort(machine):
    machine.until_waiting()
    machine.abort()
    machine.wait('error')
    machine.introspect()


# list

def test_the_list_shows_the_latest_first_page_by_page(rollcall, machines):
    made = [machines() for _ in range(5)]
    for machine in made:
        machine.until_waiting()
    latest_first = [machine.uuid for machine in reversed(made)]
    listed = rollcall.get('/v1/introspection').json()['introspection']
    assert [row['uuid'] for row in listed] == latest_first
    assert listed[0] == made[-1].status()
    seen, marker = [], {}
    while page := rollcall.get('/v1/introspection', params={'limit': 2, **marker}).json()['introspection']:
        seen += [row['uuid'] for row in page]
        marker = {'marker': seen[-1]}
    assert seen == latest_first


def test_the_list_can_be_narrowed_to_states(rollcall, machines):
    done, waiting = machines(), machines()
    done.introspect()
    waiting.until_waiting()
    for states, wanted in (('waiting', [waiting]), ('finished', [done]), ('error', []),
                           ('finished,waiting', [waiting, done])):
        listed = rollcall.get('/v1/introspection', params={'state': states}).json()['introspection']
        assert [row['uuid'] for row in listed] == [machine.uuid for machine in wanted]


@pytest.mark.parametrize('query, text', [
    ({'state': 'asleep'}, 'Bad request: State(s) "asleep" are not valid'),
    ({'limit': '-1'}, 'Bad request: Limit cannot be negative'),
    ({'limit': '1001'}, 'Bad request: Limit over 1000'),
    ({'marker': 'here'}, 'Bad request: Marker not UUID-like'),
])
def test_a_list_that_can_not_be_made_is_refused(rollcall, query, text):
    answer = rollcall.get('/v1/introspection', params=query)
    assert answer.status_code == 400 and message(answer) == text


def test_an_unknown_marker_is_not_found(rollcall):
    answer = rollcall.get('/v1/introspection', params={'marker': str(uuid.uuid4())})
    assert answer.status_code == 404 and message(answer) == 'The requested node was not found.'
