"""What clients are told, to the letter: texts of ironic-inspector that programs and people look for."""

import concurrent.futures
import re

import pytest

import databases
from daemon import message, wait_for

NOBODY = 'e4d7e6b3-5bd1-4b35-8d5a-0f1d1c1a9b55'
HEADING = 'The following failures happened during running pre-processing hooks:\n'


@pytest.fixture
def database(tmp_path):
    """No text depends on the database."""
    return databases.Sqlite(tmp_path)


def refused(answer, status, text):
    assert (answer.status_code, message(answer)) == (status, text)


def test_of_nodes_that_are_not_there(rollcall):
    base = f'/v1/introspection/{NOBODY}'
    refused(rollcall.get(base), 404, f'Could not find node {NOBODY} in cache')
    refused(rollcall.post(base + '/abort'), 404, f'Could not find node {NOBODY} in cache')
    refused(rollcall.get(base + '/data'), 404, f'Introspection data not found for node {NOBODY}, processed=True')
    refused(rollcall.get(base + '/data/unprocessed'), 404,
            f'Introspection data not found for node {NOBODY}, processed=False')
    refused(rollcall.post(base), 404, f'Node {NOBODY} was not found in Ironic')
    for method, rest in (('GET', ''), ('POST', '/abort'), ('GET', '/data'), ('POST', ''), ('POST', '/data/unprocessed')):
        refused(rollcall.call(method, '/v1/introspection/nobody' + rest), 404, 'Node nobody was not found in Ironic')


def test_of_a_node_that_ironic_refuses_to_show(rollcall, machine, ironic):
    with ironic.fail('GET', '/v1/nodes/odd.*', 400):
        answer = rollcall.get('/v1/introspection/odd name')
    assert answer.status_code == 400 and message(answer).startswith('Cannot get node odd name: '), answer.text


def test_of_a_node_that_may_not_be_started(machines, ironic):
    busy, broken = machines(provision_state='deploying'), machines()
    answer = busy.begin()
    assert answer.status_code == 400
    assert message(answer).startswith('Invalid provision state for introspection: "deploying", valid states are "')
    ironic.bad_power[broken.uuid] = 'no address'
    answer = broken.begin()
    assert answer.status_code == 400 and message(answer).startswith('Failed validation of power interface: ')
    assert 'no address' in message(answer)


def test_of_a_node_by_which_nothing_could_be_matched(rollcall, ironic):
    node = ironic.add_node()
    text = ("No lookup attributes were found, inspector won't be able to find it after introspection, consider creating"
            ' ironic ports or providing an IPMI address')
    refused(rollcall.post(f"/v1/introspection/{node['uuid']}", params={'manage_boot': 'no'}), 400, text)
    status = rollcall.status(node['uuid'])
    assert (status['state'], status['error'], status['finished']) == ('error', text, True)


def test_of_a_machine_that_can_not_be_set_up(machine, ironic):
    with ironic.fail('PUT', '.*/management/boot_device', 400):
        assert machine.begin().status_code == 202
        assert machine.wait('error')['error'].startswith('Failed to set boot device to PXE: ')


@pytest.mark.parametrize('value', ['', '2', 'maybe', 'tru'])
def test_of_a_flag_that_is_none(machine, value):
    refused(machine.begin(manage_boot=value), 400, f'Invalid boolean value for manage_boot: {value}')
    assert machine.begin(manage_boot=' oFF ').status_code == 202


@pytest.mark.configured(can_manage_boot=False)
def test_of_an_installation_that_sets_no_boot_device(machine):
    refused(machine.begin(), 400,
            'Managed boot is requested, but this installation cannot manage boot ((can_manage_boot set to False)')


def test_of_lists(rollcall):
    path = '/v1/introspection'
    for query, text in [
            ({'limit': ''}, "invalid literal for int() with base 10: ''"),
            ({'limit': 'x', 'state': 'odd'}, "invalid literal for int() with base 10: 'x'"),
            ({'limit': 'x', 'marker': 'y'}, 'Marker not UUID-like'),
            ({'state': 'waiting,,odd', 'marker': NOBODY}, 'State(s) ", odd" are not valid'),
    ]:
        refused(rollcall.get(path, params=query), 400, 'Bad request: ' + text)
    refused(rollcall.get(path, params={'marker': NOBODY}), 404, 'The requested node was not found.')


def test_of_data_that_is_no_object(rollcall, machine):
    for body, kind in (('[]', 'list'), ('"x"', 'str'), ('1', 'int'), ('1.5', 'float'), ('true', 'bool'), ('null', 'NoneType')):
        for path in ('/v1/continue', machine.path('data', 'unprocessed')):
            refused(rollcall.post(path, data=body), 400, f'Invalid data: expected a JSON object, got {kind}')


def test_of_data_that_fails_before_its_node_is_updated(machine):
    machine.until_waiting()
    answer = machine.callback(error='no disks')
    line = 'Preprocessing hook ramdisk_error: Ramdisk reported error: no disks'
    refused(answer, 400, HEADING + line)
    assert machine.wait('error')['error'] == line
    assert machine.reapply().status_code == 202
    machine.wait('error')
    assert machine.status()['error'].startswith('Pre-processing failures detected reapplying introspection on stored data:\n')


def test_of_data_that_lacks_what_ports_are_made_of(machines):
    nic = {'name': 'eth0', 'mac_address': 'of none'}
    for lacking, text in [
            ({}, 'Hardware inventory is empty or missing'),
            ({'interfaces': []}, 'No network interfaces provided in the inventory'),
            ({'interfaces': [nic]}, 'No interfaces supplied by the ramdisk'),
            ({'interfaces': None}, "No suitable interfaces found in {'eth0': "),
    ]:
        machine = machines()
        machine.until_waiting()
        inventory = {**machine.document['inventory'], **lacking} if lacking else {}
        if lacking.get('interfaces', '') is None:
            inventory['interfaces'] = [{**machine.document['inventory']['interfaces'][0], 'ipv4_address': None}]
        # Its BMC is enough to know it by.
        answer = machine.callback(inventory=inventory, ipmi_address=machine.document['inventory']['bmc_address'])
        line = 'Preprocessing hook validate_interfaces: ' + text
        assert answer.status_code == 400 and message(answer).startswith(HEADING + line), (text, answer.text)
        assert machine.wait('error')['error'].startswith(line), text


def test_of_data_with_no_disk_that_fits(machines):
    for hints, text in [
            ({'model': 'of none'}, 'No disks satisfied root device hints'),
            ({'colour': 'red'}, "No disks could be found using the root device hints {'colour': 'red'} because they failed to"
                                ' validate. Error: The hints "colour" are invalid. Valid hints are: '),
    ]:
        machine = machines(properties={'root_device': hints})
        machine.until_waiting()
        answer = machine.callback()
        assert answer.status_code == 400 and message(answer).startswith(text), answer.text
        assert machine.wait('error')['error'] == message(answer)


def test_of_data_that_comes_again(rollcall, machine, ironic):
    machine.until_waiting()
    with ironic.hold('PUT', '.*/states/power') as held, concurrent.futures.ThreadPoolExecutor() as pool:
        assert machine.callback().status_code == 200
        held.wait()
        late = pool.submit(machine.callback, extra='another')
        wait_for(lambda: re.search('^rollcall_callbacks_waiting 1$', rollcall.get('/metrics').text, re.M), 'its turn')
        held.let_go()
        answer = late.result()
    at = machine.wait('finished')['finished_at'].replace('T', ' ')
    refused(answer, 400, f'{HEADING}Look up error: Introspection for node {machine.uuid} already finished on {at}')
    answer = machine.callback(extra='another')
    assert answer.status_code == 400
    assert message(answer).startswith(HEADING + 'Look up error: Could not find a node for attributes {')


def test_of_data_of_nobody_and_of_two_machines(rollcall, machine, machines):
    other = machines()
    answer = rollcall.callback(machine.document)
    assert answer.status_code == 400
    assert message(answer).startswith(HEADING + 'Look up error: Could not find a node for attributes ')
    machine.until_waiting()
    other.until_waiting()
    document = {**machine.document, 'inventory': {**machine.document['inventory'], 'bmc_address': None}}
    document['inventory']['interfaces'] = [machine.document['inventory']['interfaces'][0],
                                           {**other.document['inventory']['interfaces'][0], 'name': 'eth1'}]
    answer = rollcall.callback(document)
    assert answer.status_code == 400
    assert 'Look up error: Multiple nodes match the same number of attributes ' in message(answer)
    assert machine.uuid in message(answer) and other.uuid in message(answer)


def test_of_steps_that_are_not_to_be_taken(machine, ironic):
    with ironic.hold('PUT', '.*/states/power') as held:
        assert machine.begin().status_code == 202
        held.wait()
        for answer, status, text in [
                (machine.begin(), 400, "Can not transition from state 'starting' on event 'start' (no defined transition)"),
                (machine.abort(), 409, 'Node is locked, please, retry later'),
        ]:
            assert answer.status_code == status and message(answer).startswith(text), answer.text
        held.let_go()
    machine.wait('waiting')
    assert machine.abort().status_code == 202
    assert machine.wait('error')['error'] == 'Canceled by operator'


def test_of_rules(rollcall):
    path = '/v1/rules'
    rule = {'actions': [{'action': 'example'}]}
    uuid = rollcall.post(path, json=rule).json()['uuid']
    refused(rollcall.post(path, json={**rule, 'uuid': uuid}), 409, f'Rule with UUID {uuid} already exists')
    refused(rollcall.post(path, json={**rule, 'uuid': 7}), 400, 'Invalid UUID value')
    refused(rollcall.post(path, json={**rule, 'scope': 256 * 'x'}), 400,
            'Invalid scope: the length of the scope should be within 255 characters')
    for method in ('GET', 'DELETE'):
        refused(rollcall.call(method, f'{path}/{NOBODY}'), 404, f'Rule {NOBODY} was not found')
    condition = {'op': 'eq', 'field': 'a', 'value': 1}
    for change, text in [
            ({'actions': []}, 'Validation failed for actions: [] should be non-empty'),
            ({'conditions': [{'op': 'eq', 'value': 1}]}, "Validation failed for conditions: 'field' is a required property"),
            ({'conditions': [{**condition, 'field': 'http://a'}]},
             'Unsupported scheme for field: http, valid values are node:// or data://'),
            ({'conditions': [{'op': 'eq', 'field': 'a'}]}, 'Invalid parameters for operator eq: missing required parameter(s): value'),
            ({'conditions': [{**condition, 'b': 1}]}, 'Invalid parameters for operator eq: unexpected parameter(s): b'),
            ({'conditions': [{**condition, 'op': 'in-net', 'value': 'x'}]},
             'Invalid parameters for operator in-net: invalid value: invalid IPNetwork x'),
            ({'conditions': [{**condition, 'op': 'matches', 'value': '('}]},
             'Invalid parameters for operator matches: invalid regular expression: '),
            ({'actions': [{'action': 'fail'}]}, 'Invalid parameters for action fail: missing required parameter(s): message'),
    ]:
        answer = rollcall.post(path, json={**rule, **change})
        assert answer.status_code == 400 and message(answer).startswith(text), (change, answer.text)
