"""Machines that nobody knows: how many become nodes, and what becomes of what they send along."""

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest

import machines as shapes
from daemon import message

CAP, POSTS = 5, 40


@pytest.mark.configured(processing={'node_not_found_hook': 'enroll'}, discovery={'max_per_hour': CAP})
def test_of_many_unknown_machines_at_once_no_more_than_the_cap_become_nodes(rollcall, ironic):
    documents = [shapes.document(40_000 + number) for number in range(POSTS)]
    with ThreadPoolExecutor(POSTS) as pool:
        answers = list(pool.map(rollcall.callback, documents))
    taken = [answer.json()['uuid'] for answer in answers if answer.status_code == 200]
    assert len(taken) == CAP and set(ironic.nodes) == set(taken)
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {answer.status_code for answer in refused} == {503}, 'the ramdisk comes again'
    assert all('Too many nodes were discovered' in message(answer) for answer in refused)
    assert len(rollcall.get('/v1/introspection').json()['introspection']) == CAP


@pytest.mark.configured(processing={'node_not_found_hook': 'enroll'}, discovery={'max_per_hour': 1})
def test_a_node_that_could_not_be_made_leaves_its_place_to_another(rollcall, ironic):
    with ironic.fail('POST', '/v1/nodes', status=400):
        assert rollcall.callback(shapes.document(41_000)).status_code == 400
    assert rollcall.callback(shapes.document(41_001)).status_code == 200
    assert rollcall.callback(shapes.document(41_002)).status_code == 503


LOGS = {'always_store_ramdisk_logs': True, 'ramdisk_logs_dir': 'ramdisk-logs',
        'ramdisk_logs_filename_format': '{uuid}_{mac}_{bmc}.log'}
SENT = base64.b64encode(b'what happened').decode()


def post_with_logs(rollcall, logs, **more):
    document = shapes.document(42_000, logs=logs, **more)
    document['inventory']['bmc_address'] = '../../a\nb'
    answer = rollcall.callback(document)
    assert answer.status_code == 400 and 'Could not find a node' in answer.text, answer.text
    folder = rollcall.folder / 'ramdisk-logs'
    return {file.name: file.read_bytes() for file in folder.iterdir()} if folder.exists() else {}


@pytest.mark.configured(processing=LOGS)
def test_the_name_of_a_log_is_made_of_nothing_that_a_machine_says_freely(rollcall):
    files = post_with_logs(rollcall, SENT, boot_interface='../../../etc/x')
    assert files == {'unknown_unknown_unknown.log': b'what happened'}
    assert {file.name for file in rollcall.folder.parent.iterdir() if file.suffix == '.log'} == set()


@pytest.mark.configured(processing=LOGS)
def test_logs_that_can_not_be_decoded_are_left_out_with_a_warning(rollcall, machine):
    assert post_with_logs(rollcall, 'QUJDX') == {}
    assert 'The ramdisk\'s logs could not be stored: they are no valid base64' in rollcall.log.read_text()
    machine.until_waiting()
    assert machine.callback(logs=[7]).status_code == 200
    assert 'Ignoring the ramdisk\'s logs' in rollcall.log.read_text()
    assert machine.wait('finished')['error'] is None
