"""Machines: a node in the node service, and what its ramdisk would post."""

import itertools

from daemon import wait_for

GIB = 1024 ** 3
counter = itertools.count(1)


def mac(number, nic=0):
    return f'52:54:00:{number >> 8 & 255:02x}:{number & 255:02x}:{nic:02x}'


def document(number, **more):
    """Small, but of the shape that the agent gives it."""
    nics = [{'name': f'eth{nic}', 'mac_address': mac(number, nic), 'has_carrier': True, 'client_id': None, 'lldp': None,
             'ipv4_address': f'172.16.{number >> 8 & 255}.{number & 255}' if nic == 0 else None, 'ipv6_address': None}
            for nic in range(2)]
    disk = {'name': '/dev/sda', 'size': 100 * GIB, 'model': 'disk', 'rotational': False, 'wwn': None, 'serial': None}
    return {
        'inventory': {
            'interfaces': nics, 'disks': [disk],
            'cpu': {'count': 8, 'architecture': 'x86_64', 'flags': ['fpu', 'aes'], 'model_name': 'cpu'},
            'memory': {'physical_mb': 16384, 'total': 16 * GIB},
            'bmc_address': bmc(number), 'bmc_v6address': '::/0', 'boot': {'current_boot_mode': 'uefi'}},
        'root_disk': disk, 'boot_interface': mac(number), **more}


def bmc(number):
    return f'10.1.{number >> 8 & 255}.{number & 255}'


class Machine:
    """One machine that the stand-in knows, and the daemon that introspects it."""

    def __init__(self, ironic, rollcall, **fields):
        self.ironic, self.rollcall, self.number = ironic, rollcall, next(counter)
        info = {'ipmi_address': bmc(self.number)}
        self.uuid = ironic.add_node(**{'driver_info': info, **fields})['uuid']
        self.mac = mac(self.number)
        ironic.add_port(self.uuid, self.mac)
        self.document = document(self.number)

    @property
    def node(self):
        return self.ironic.nodes[self.uuid]

    def path(self, *parts):
        return '/'.join(['/v1/introspection', self.uuid, *parts])

    def begin(self, **query):
        return self.rollcall.post(self.path(), params=query)

    def abort(self):
        return self.rollcall.post(self.path('abort'))

    def reapply(self, **more):
        return self.rollcall.post(self.path('data', 'unprocessed'), **more)

    def data(self):
        return self.rollcall.get(self.path('data'))

    def raw(self):
        return self.rollcall.get(self.path('data', 'unprocessed'))

    def callback(self, **more):
        return self.rollcall.callback({**self.document, **more})

    def status(self):
        return self.rollcall.status(self.uuid)

    def state(self):
        return self.status()['state']

    def wait(self, *states, seconds=20):
        """The status as soon as the node is in one of the states."""
        last = {}

        def reached():
            last.update(self.status())
            return last if last['state'] in states else None
        try:
            return wait_for(reached, states, seconds)
        except AssertionError as failure:
            raise AssertionError(f'{failure}; the node stands at {last}') from None

    def until_waiting(self, **query):
        answer = self.begin(**query)
        assert answer.status_code == 202, answer.text
        return self.wait('waiting')

    def introspect(self):
        """A whole run that succeeds."""
        self.until_waiting()
        answer = self.callback()
        assert answer.status_code == 200 and answer.json() == {'uuid': self.uuid}, answer.text
        status = self.wait('finished', 'error')
        assert status['state'] == 'finished' and status['error'] is None, status
        return status

    def process_again(self, **more):
        """A whole reapply that succeeds."""
        before = self.status()['started_at']
        answer = self.reapply(**more)
        assert answer.status_code == 202, answer.text
        wait_for(lambda: self.status()['started_at'] != before, 'the reapply to begin')
        return self.wait('finished')

    def is_updated(self):
        """Whether the node service knows what the document says."""
        wanted = {'cpus': '8', 'cpu_arch': 'x86_64', 'memory_mb': '16384', 'local_gb': '99'}
        return wanted.items() <= self.node['properties'].items()
