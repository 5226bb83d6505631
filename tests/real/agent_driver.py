"""Lets the real ramdisk agent look at this machine, outside of a ramdisk.

    python agent_driver.py interfaces          prints the MAC addresses that the agent reports, as a JSON list
    python agent_driver.py inspect URL         runs the agent's collectors and posts to URL with the agent's own
                                               client; prints {"uuid": ...} or {"error": ...}

To be run with the Python of an environment that has ironic-python-agent. The result is the last line of the output.
"""

import json
import sys

from ironic_python_agent import config as agent_config  # noqa: F401  (declares the agent's options)
from ironic_python_agent import hardware, inspector
from oslo_config import cfg
from oslo_log import log

COLLECTORS = ('default', 'logs', 'pci-devices', 'numa-topology')


def configure(**options):
    log.register_options(cfg.CONF)
    cfg.CONF([], project='ironic-python-agent')
    log.setup(cfg.CONF, 'ironic-python-agent')
    for name, value in options.items():
        cfg.CONF.set_override(name, value)


def interfaces():
    configure()
    found = hardware.dispatch_to_managers('list_network_interfaces')
    return [nic.mac_address for nic in found if nic.mac_address]


def inspect(url):
    configure(inspection_callback_url=url, inspection_collectors=','.join(COLLECTORS), inspection_dhcp_wait_timeout=0)
    try:
        return {'uuid': inspector.inspect()}
    except Exception as failure:  # whatever the agent would have logged
        return {'error': f'{type(failure).__name__}: {failure}'}


if __name__ == '__main__':
    command, *arguments = sys.argv[1:]
    result = {'interfaces': interfaces, 'inspect': inspect}[command](*arguments)
    print('\n' + json.dumps(result))
