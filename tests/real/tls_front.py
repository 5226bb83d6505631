"""TLS in front of a server that speaks none, with certificates that are made for it."""

import datetime
import ipaddress
import socket
import ssl
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Authority:
    """An authority that vouches for whomever it is asked to."""

    def __init__(self, folder, name='authority'):
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        certificate = self.signed(self.subject, self.key, x509.BasicConstraints(ca=True, path_length=None))
        self.path = folder / f'{name}.pem'
        self.path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def signed(self, subject, key, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.subject)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(days=1)))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def vouch(self, name):
        """Paths of a certificate for 127.0.0.1 and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        place = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address('127.0.0.1'))])
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        certificate = self.signed(subject, key, place)
        paths = self.folder / f'{name}.pem', self.folder / f'{name}.key'
        paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.NoEncryption()))
        return paths


class TlsFront:
    """Takes TLS connections and passes on what they carry. `callers` is the authority that they must come from."""

    def __init__(self, authority, port, callers=None):
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(*authority.vouch(f'server-{port}'))
        if callers:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(callers.path)
        self.port = port
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'https://127.0.0.1:{self.listener.getsockname()[1]}'
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.pass_on, args=(connection,), daemon=True).start()

    def pass_on(self, connection):
        try:
            outside = self.context.wrap_socket(connection, server_side=True)
        except (ssl.SSLError, OSError):
            return connection.close()
        inside = socket.create_connection(('127.0.0.1', self.port))
        threading.Thread(target=pump, args=(inside, outside), daemon=True).start()
        pump(outside, inside)

    def close(self):
        self.listener.close()


def pump(source, sink):
    """Copies until the source ends."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            end.close()
