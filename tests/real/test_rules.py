"""Rules as an operator meets them: tried without effect, applied, counted and refused."""

import copy

import pytest

from daemon import message

HOOKS = '$default_processing_hooks,lldp_basic,local_link_connection,physnet_cidr_map'
SET = {'action': 'set-attribute', 'path': '/extra/rack', 'value': '{data[inventory][bmc_address]}'}
TRAIT = {'action': 'add-trait', 'name': 'CUSTOM_TRIED'}


def made(rollcall, **body):
    answer = rollcall.post('/v1/rules', json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()['uuid']


def tried(rollcall, **body):
    answer = rollcall.post('/v1/rules/dry-run', json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_dry_run_tells_what_would_be_and_touches_nothing(rollcall, machine, ironic):
    machine.introspect()
    conditions = [{'op': 'ge', 'field': 'cpus', 'value': 8}, {'op': 'eq', 'field': 'node://driver', 'value': 'other'}]
    holds = made(rollcall, description='holds', conditions=conditions[:1], actions=[SET, TRAIT])
    misses = made(rollcall, description='misses', conditions=conditions, actions=[SET])
    before, events = copy.deepcopy(machine.node), rollcall.get(machine.path('events')).json()
    start = len(ironic.calls)
    told = tried(rollcall, node=machine.uuid)
    assert [(rule['uuid'], rule['matches']) for rule in told['rules']] == [(holds, True), (misses, False)]
    [enough, other] = told['rules'][1]['conditions']
    assert (enough['holds'], enough['values'], other['holds']) == (True, [{'value': 8, 'holds': True}], False)
    assert other['values'] == [{'value': machine.node['driver'], 'holds': False}]
    address = machine.document['inventory']['bmc_address']
    assert told['change'] == {
        'node_patch': [{'op': 'add', 'path': '/extra/rack', 'value': address}], 'reset_interfaces': False,
        'traits': ['CUSTOM_TRIED']}
    assert told['error'] is None
    assert {call.method for call in ironic.calls[start:]} == {'GET'} and machine.node == before
    assert rollcall.get(machine.path('events')).json() == events and machine.state() == 'finished'


def test_a_dry_run_takes_a_posted_document_and_one_rule_that_is_not_stored(rollcall, ironic):
    rule = {'conditions': [{'op': 'matches', 'field': 'vendor', 'value': 'a|b'}],
            'actions': [{'action': 'fail', 'message': 'an old one'}]}
    told = tried(rollcall, data={'vendor': 'a'}, rule=rule)
    assert told['rules'][0]['matches'] is True and told['error'] == 'an old one'
    assert tried(rollcall, data={'vendor': 'ab'}, rule=rule)['error'] is None
    assert rollcall.get('/v1/rules').json() == {'rules': []} and ironic.calls == []


@pytest.mark.parametrize('body, told', [
    ({}, 'needs node or data'), ({'data': []}, 'Invalid data'), ({'node': 7}, 'Invalid node'),
    ({'data': {}, 'rule': {'actions': [{'action': 'burn'}]}}, 'Validation failed for actions'),
    ({'data': {}, 'rule': {'actions': [TRAIT], 'conditions': [{'op': 'eq', 'field': 'a[', 'value': 1}]}},
     'Unable to parse field JSON path a[')])
def test_a_dry_run_that_makes_no_sense_is_refused_by_name(rollcall, body, told):
    answer = rollcall.post('/v1/rules/dry-run', json=body)
    assert answer.status_code == 400 and told in message(answer), answer.text


def test_it_can_be_asked_why_the_data_came_to_a_node(rollcall, machine):
    assert rollcall.get(machine.path('match')).status_code == 404
    machine.until_waiting()
    assert rollcall.get(machine.path('match')).status_code == 404
    machine.callback()
    machine.wait('finished')
    told = rollcall.get(machine.path('match')).json()
    assert told['source'] == 'run' and told['run'] == rollcall.get(machine.path('events')).json()['events'][0]['run']
    [candidate] = told['candidates']
    matched = [(match['kind'], match['value']) for match in candidate['matched']]
    assert candidate['node'] == machine.uuid and candidate['points'] == len(matched) == 2
    assert {value for _, value in matched} == {machine.mac, machine.document['inventory']['bmc_address']}
    weights = [match['weight'] for match in candidate['matched']]
    assert weights == sorted(weights, reverse=True) and candidate['weight'] == sum(weights)


@pytest.mark.configured(processing={'processing_hooks': HOOKS, 'add_ports': 'all'},
                        port_physnet={'cidr_map': ['172.16.0.0/12:provisioning']})
def test_an_introspection_takes_nine_calls_one_a_port_and_one_for_the_traits_whatever_the_rules(
        rollcall, machine, ironic):
    lldp = [[1, '04a83fa1c40e20'], [2, '0545746865726e65743231'], [0, '']]
    machine.document['lldp_raw'] = {'eth0': lldp, 'eth1': lldp}
    for number in range(50):
        made(rollcall, actions=[{**SET, 'path': f'/extra/a{number}'}, {**TRAIT, 'name': f'CUSTOM_{number}'},
                                {'action': 'set-capability', 'name': f'c{number}', 'value': '1'}])
    # The first call of all asks for the versions; that is done once in the life of a daemon.
    rollcall.get('/v1/introspection/a-name')
    before = len(ironic.calls)
    machine.introspect()
    calls = [(call.method, call.path) for call in ironic.calls[before:]]
    assert machine.node['extra'].keys() >= {'a0', 'a49'} and len(machine.node['traits']) == 50
    changed = [call for call in calls if call[1].startswith('/v1/ports') and call[0] != 'GET']
    assert sorted(method for method, _ in changed) == ['PATCH', 'POST'], calls
    print(len(calls), 'calls:', calls)
    assert len(calls) <= 9 + len(changed) + 1, calls
    assert calls.count(('PATCH', f'/v1/nodes/{machine.uuid}')) == 1
    assert calls.count(('PUT', f'/v1/nodes/{machine.uuid}/traits')) == 1


@pytest.mark.parametrize('more', [{}, {'reset_interfaces': True}])
def test_an_attribute_that_is_refused_is_sent_once_and_the_cause_is_told(rollcall, machine, ironic, more):
    made(rollcall, actions=[{**SET, **more}])
    machine.until_waiting()
    before = len(ironic.calls)
    with ironic.fail('PATCH', f'/v1/nodes/{machine.uuid}', status=400):
        answer = machine.callback()
    assert answer.status_code == 400 and 'broken on purpose' in message(answer), answer.text
    assert 'broken on purpose' in machine.wait('error')['error']
    assert [call.method for call in ironic.calls[before:]].count('PATCH') == 1


def test_an_attribute_that_has_no_place_is_named_and_not_sent(rollcall, machine, ironic):
    made(rollcall, actions=[{**SET, 'path': '/no/such/place'}])
    machine.until_waiting()
    answer = machine.callback()
    assert answer.status_code == 400 and "'/no/such/place'" in message(answer)
    assert machine.wait('error')['error'] == message(answer)
    patches = ironic.calls_of(machine.uuid, 'PATCH')
    assert all('/no/such' not in str(patch.body) for patch in patches) and machine.is_updated()


@pytest.mark.configured(processing={'rules_match_whole_text': False})
def test_patterns_of_old_rules_hold_as_they_did_where_that_is_asked_for(rollcall):
    rule = {'conditions': [{'op': 'matches', 'field': 'vendor', 'value': 'a|b'}],
            'actions': [{'action': 'fail', 'message': 'an old one'}]}
    for data, error in [({'vendor': 'ab'}, 'an old one'), ({'vendor': 'ba'}, None)]:
        assert tried(rollcall, data=data, rule=rule)['error'] == error
