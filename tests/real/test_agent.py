"""The real ramdisk agent posts this machine, and the real Ironic gets what it found."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from daemon import message, wait_for
from machines import GIB
from tasks import messages, until_over

AGENT = pathlib.Path(os.environ.get('ROLLCALL_AGENT_VENV') or 'none', 'bin', 'python')
DRIVER = pathlib.Path(__file__).with_name('agent_driver.py')
TOOLS = ('udevadm', 'lshw', 'lspci', 'ipmitool', 'ethtool', 'dmidecode', 'smartctl')
WHOLE_PATH = os.environ['PATH'] + ':/usr/sbin:/sbin'


def why_not():
    """The reason why the agent can not run here, if there is one."""
    if not AGENT.exists():
        return 'no agent is installed: ROLLCALL_AGENT_VENV does not name its environment'
    if os.geteuid() != 0:
        return 'the agent can look at this machine only as root'
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=WHOLE_PATH)]
    return f"the agent's tools are missing: {', '.join(missing)}" if missing else None


pytestmark = [pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
              pytest.mark.xdist_group('real Ironic')]


def agent(*arguments):
    """Runs the agent; its result is the last line that it prints."""
    done = subprocess.run([AGENT, DRIVER, *arguments], capture_output=True, text=True, timeout=200,
                          env={**os.environ, 'PATH': WHOLE_PATH})
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def this_machine(real_ironic):
    """This machine as a node of Ironic, found by the address of its first interface."""
    addresses = agent('interfaces')
    if not addresses:
        pytest.skip('the agent reports no network interface of this machine')
    node = real_ironic.enrol('this-machine', addresses[0])
    yield node, addresses[0]
    real_ironic.remove(node)


@pytest.mark.configured(design={'folders': ['designs'], 'cache_time': 0})
def test_a_machine_is_introspected_from_start_to_end(this_machine, real_ironic, rollcall_of_real_ironic):
    rollcall = rollcall_of_real_ironic
    node, address = this_machine
    assert rollcall.post(f'/v1/introspection/{node}').status_code == 202
    wait_for(lambda: rollcall.status(node)['state'] == 'waiting', 'the reboot', 180)
    assert agent('inspect', f'{rollcall.url}/v1/continue') == {'uuid': node}
    status = wait_for(lambda: ended(rollcall, node), 'the end', 180)
    assert status['state'] == 'finished' and status['error'] is None

    raw, processed = (rollcall.get(f'/v1/introspection/{node}/data{part}').json() for part in ('/unprocessed', ''))
    inventory, size = raw['inventory'], (raw.get('root_disk') or {}).get('size', 0)
    wanted = {'cpus': str(inventory['cpu']['count']), 'cpu_arch': os.uname().machine,
              'memory_mb': str(inventory['memory']['physical_mb']), 'local_gb': str(max(size // GIB - 1, 0))}
    found = real_ironic.node(node)
    assert wanted.items() <= found['properties'].items()
    assert found['power_state'] == 'power off'
    assert address in real_ironic.addresses(node)
    assert processed['inventory'] == inventory and processed['all_interfaces']
    assert raw['pci_devices'] and raw['numa_topology'] and 'logs' not in raw

    answer = rollcall.callback(raw)
    assert answer.status_code == 400 and message(answer), 'the run is over'
    is_held_against_designs(rollcall, node, inventory)


def is_held_against_designs(rollcall, node, inventory):
    """This machine as it is, and then with another memory and another MAC of one interface."""
    memory, nics = inventory['memory']['physical_mb'], {nic['name']: nic['mac_address'] for nic in inventory['interfaces']}
    hardware = {'memory_mb': memory, 'disks': {'count': len(inventory['disks'])},
                'cpu': {'count': inventory['cpu']['count'], 'architecture': os.uname().machine},
                'nics': {name: {'mac': mac} for name, mac in nics.items()}}
    assert found_of(rollcall, node, hardware) == [('HW000', 'Info')]
    hardware['memory_mb'] = memory * 2
    hardware['nics'][min(nics)]['mac'] = '52:54:00:ff:ff:fe'
    assert sorted(found_of(rollcall, node, hardware)) == [('HW004', 'Error'), ('HW030', 'Error')]


def found_of(rollcall, node, hardware):
    place = rollcall.folder / 'designs' / 'site.yaml'
    place.parent.mkdir(exist_ok=True)
    profile, machine = ({'schema': f'drydock/{kind}/v1', 'metadata': {'name': name}, 'data': data} for kind, name, data in (
        ('HardwareProfile', 'any', {}), ('BaremetalNode', 'this-machine', {'hardware_profile': 'any', 'hardware': hardware})))
    # JSON is YAML.
    place.write_text(f'{json.dumps(profile)}\n---\n{json.dumps(machine)}\n')
    element = {'filter_type': 'union', 'node_uuids': [node]}
    body = {'action': 'compare_design', 'design_ref': f'file://{place}',
            'node_filter': {'filter_set_type': 'union', 'filter_set': [element]}}
    until_over(rollcall, rollcall.post('/v1/tasks', json=body).json()['task_id'])
    task = rollcall.get('/v1/tasks', params={'action': 'compare_node', 'subtasks': 'true'}).json()[0]['task_id']
    return [(row['extra']['code'], row['level']) for row in messages(rollcall, task) if 'code' in row['extra']]


def ended(rollcall, node):
    status = rollcall.status(node)
    return status if status['finished'] else None


def test_a_machine_that_nobody_started_is_turned_away(rollcall_of_real_ironic):
    result = agent('inspect', f'{rollcall_of_real_ironic.url}/v1/continue')
    assert '400' in result['error']
