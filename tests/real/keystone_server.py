"""Serves the real Keystone on a loopback port, one thread a request: python keystone_server.py PORT.

Where its configuration lies is in the environment, as Keystone has it; it reads the command line itself.
"""

import socketserver
import sys
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

port = int(sys.argv.pop())

from keystone.wsgi.api import application  # noqa: E402


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class Handler(WSGIRequestHandler):
    def log_message(self, *_arguments):
        """Nothing: what was asked is of no use here."""


make_server('127.0.0.1', port, application, Server, Handler).serve_forever()
