"""What becomes of the ramdisk's data at the node service: the calls themselves, and what is told of them."""

import copy
import json
import os

import pytest

from daemon import VERSION, wait_for
from test_history import events

EXAMPLE = os.path.join(os.path.dirname(__file__), '..', '..', 'src', 'processing', 'tests', 'example.json')
BOOT, SWITCH = 'b4:96:91:5c:20:08', 'a8:3f:a1:c4:0e:20'
CAPABILITIES = ('boot_mode:uefi,cpu_vt:true,cpu_aes:true,cpu_hugepages:true,cpu_hugepages_1g:true,cpu_txt:true,'
                'xxv710:2')
ACCELERATOR = {'vendor_id': '10de', 'device_id': '1eb8', 'type': 'GPU',
               'device_info': 'NVIDIA Corporation Tesla T4', 'pci_address': '0000:d8:00.0'}
WHOLE = {
    'processing': {'processing_hooks':
                   '$default_processing_hooks,lldp_basic,local_link_connection,physnet_cidr_map,accelerators'},
    'capabilities': {'boot_mode': True}, 'port_physnet': {'cidr_map': ['203.0.113.0/24:provisioning']},
    'pci_devices': {'alias': [json.dumps({'vendor_id': '8086', 'product_id': '158b', 'name': 'xxv710'})]}}


@pytest.fixture
def example():
    with open(EXAMPLE) as file:
        return json.load(file)


def calls_since(ironic, start):
    with ironic.lock:
        return [(call.method, call.path, call.query, call.body) for call in ironic.calls[start:]]


@pytest.mark.configured(**WHOLE)
def test_the_complete_document_leads_to_exactly_these_calls_and_data(rollcall, ironic, example):
    node = ironic.add_node(driver_info={'ipmi_address': '198.51.100.77'})['uuid']
    path = f'/v1/introspection/{node}'
    assert rollcall.post(path).status_code == 202
    wait_until(rollcall, node, 'waiting')
    before = len(ironic.calls)
    answer = rollcall.callback(example)
    assert answer.status_code == 200 and answer.json() == {'uuid': node}
    wait_until(rollcall, node, 'finished')

    def add(name, value):
        return {'op': 'add', 'path': f'/properties/{name}', 'value': value}
    assert calls_since(ironic, before) == [
        ('GET', f'/v1/nodes/{node}', {}, None),
        ('GET', '/v1/ports/detail', {'node': node}, None),
        ('PATCH', f'/v1/nodes/{node}', {}, [
            add('local_gb', '446'), add('cpus', '80'), add('cpu_arch', 'x86_64'), add('memory_mb', '196608'),
            add('capabilities', CAPABILITIES), add('accelerators', [ACCELERATOR])]),
        ('POST', '/v1/ports', {}, {
            'node_uuid': node, 'address': BOOT, 'extra': {}, 'pxe_enabled': True,
            'local_link_connection': {'switch_id': SWITCH, 'port_id': 'Ethernet21'},
            'physical_network': 'provisioning'}),
        ('PUT', f'/v1/nodes/{node}/states/power', {}, {'target': 'power off'})]

    stored = rollcall.get(f'{path}/data').json()
    added = {name: stored[name] for name in stored.keys() - example.keys()}
    assert added.keys() == {'ipmi_address', 'ipmi_v6address', 'local_gb', 'cpus', 'cpu_arch', 'memory_mb', 'macs',
                            'all_interfaces', 'interfaces'}
    assert added['all_interfaces']['ens1f0']['lldp_processed']['switch_port_vlans'] == [
        {'name': 'introspect', 'id': 601}]
    logs = example.pop('logs')
    assert logs and {name: stored[name] for name in example} == example and 'logs' not in stored
    assert rollcall.get(f'{path}/data/unprocessed').json() == example


def wait_until(rollcall, node, state):
    wait_for(lambda: rollcall.status(node)['state'] == state, state)


def rule(rollcall, description, actions, conditions=()):
    answer = rollcall.post('/v1/rules', json={
        'description': description, 'conditions': list(conditions), 'actions': actions})
    assert answer.status_code == 201, answer.text
    return answer.json()['uuid']


def test_the_history_tells_which_rules_held_which_failed_and_what_was_odd(rollcall, machine):
    done = [{'action': 'set-attribute', 'path': '/extra/a', 'value': 1}]
    odd = rule(rollcall, 'odd', done, [{'op': 'in-net', 'field': 'inventory.cpu.model_name', 'value': '10.0.0.0/8'}])
    holds = rule(rollcall, 'holds', done)
    fails = rule(rollcall, 'fails', [{'action': 'fail', 'message': 'too old'}])
    rule(rollcall, 'never', done)
    machine.until_waiting()
    assert machine.callback().status_code == 400
    assert machine.wait('error')['error'] == 'too old'
    told = [step['rules'] for step in events(machine) if step['rules']]
    assert told == [{
        'matched': [{'description': 'holds', 'uuid': holds}, {'description': 'fails', 'uuid': fails}],
        'failed': fails, 'left_out': 0,
        'doubts': [{'field': 'inventory.cpu.model_name', 'problem': told[0]['doubts'][0]['problem'], 'rule': odd}]}]
    assert machine.node['extra'] == {'a': 1}, 'what was wanted before the failure is there'


def test_of_a_failing_hook_nothing_is_applied(machine, ironic):
    machine.until_waiting()
    before, start = copy.deepcopy(machine.node), len(ironic.calls)
    answer = machine.callback(root_disk={'size': 'huge'})
    assert answer.status_code == 400 and 'root_disk.size' in answer.text
    assert machine.wait('error')['error'].startswith('Invalid introspection data: root_disk.size is expected')
    assert {call[0] for call in calls_since(ironic, start)} == {'GET'} and machine.node == before


@pytest.mark.configured(processing={'node_not_found_hook': 'enroll'})
def test_a_machine_whose_ramdisk_failed_becomes_no_node(rollcall, ironic, example):
    answer = rollcall.callback({**example, 'error': 'no disks'})
    assert answer.status_code == 400 and 'Ramdisk reported error: no disks' in answer.text
    assert ironic.nodes == {} and rollcall.get('/v1/introspection').json() == {'introspection': []}
    answer = rollcall.callback(example)
    assert answer.status_code == 200 and list(ironic.nodes) == [answer.json()['uuid']]


@pytest.mark.configured(processing={'node_not_found_hook': 'example'})
def test_the_example_of_a_hook_for_unknown_machines_makes_none(rollcall, ironic, example):
    answer = rollcall.callback(example)
    assert answer.status_code == 400 and 'Node not found hook returned nothing' in answer.text
    assert ironic.nodes == {}


@pytest.mark.parametrize('body, told', [
    ('{"a": [' + '1,' * 300_000 + '1]}', 'more than 250000 values'),
    (json.dumps({'inventory': {'interfaces': [{}] * 8193}}), 'inventory.interfaces has 8193 items')])
def test_a_body_that_would_fill_the_memory_is_refused(rollcall, body, told):
    answer = rollcall.post('/v1/continue', data=body)
    assert answer.status_code == 400 and told in answer.text


def test_a_reapply_has_no_end_until_it_is_over_and_is_not_begun_twice(rollcall, machine, ironic):
    machine.introspect()
    with ironic.hold('GET', f'/v1/nodes/{machine.uuid}') as held:
        assert machine.reapply().status_code == 202
        held.wait()
        status = machine.status()
        assert (status['state'], status['finished'], status['finished_at']) == ('reapplying', False, None)
        assert machine.reapply().status_code == 409
        held.let_go()
    assert machine.wait('finished')['finished_at'] > status['started_at']


@pytest.mark.parametrize('version, status', [('1.0', 200), ('1.5', 200), ('1.6', 201), ('1.18', 201)])
def test_every_member_of_a_rule_is_taken_in_every_version(rollcall, version, status):
    condition = {'op': 'eq', 'field': 'a', 'value': 1, 'invert': True, 'multiple': 'all'}
    action = {'action': 'set-attribute', 'path': '/extra/a', 'value': [{'deep': '{data[a]}'}]}
    answer = rollcall.post('/v1/rules', headers={VERSION: version}, json={
        'scope': 'gold', 'conditions': [condition], 'actions': [action]})
    assert answer.status_code == status
    made = answer.json()
    assert (made['scope'], made['conditions'], made['actions']) == ('gold', [condition], [action])
