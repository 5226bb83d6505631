"""Certificates for the tests, made on the spot."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)


def named(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


class Authority:
    """Somebody who signs, as a file that clients can believe."""

    def __init__(self, path, name='the tests'):
        self.path, self.key, self.name = path, ec.generate_private_key(ec.SECP256R1()), named(name)
        path.write_bytes(pem(self.issue(self.name, self.key, x509.BasicConstraints(ca=True, path_length=0))))

    def issue(self, subject, key, *extensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
                   .public_key(key.public_key()).serial_number(x509.random_serial_number())
                   .not_valid_before(now - DAY).not_valid_after(now + DAY))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self.key, hashes.SHA256())

    def sign(self, certificate, key):
        """Writes a new certificate for this machine, and its key; returns the certificate as PEM."""
        own = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName('localhost'), x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]
        made = pem(self.issue(named('localhost'), own, x509.SubjectAlternativeName(names)))
        certificate.write_bytes(made)
        key.write_bytes(own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                          serialization.NoEncryption()))
        return made.decode()


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)
