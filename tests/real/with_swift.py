"""Runs a command with a real Swift beside it, which the conformance suite is told of:

python with_swift.py ENVIRONMENT COMMAND..., where the environment is the one that Swift is installed in.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from real_swift import RealSwift


def main(environment, *command):
    with tempfile.TemporaryDirectory(prefix='swift-') as folder:
        swift = RealSwift(environment, pathlib.Path(folder))
        try:
            swift.start()
            # Each daemon has a container of its own, named as its database would be.
            overrides = json.dumps(swift.options('c-{db}', timeout=10))
            return subprocess.call(command, env={**os.environ, 'CONFORMANCE_OVERRIDES': overrides})
        finally:
            swift.stop()


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
