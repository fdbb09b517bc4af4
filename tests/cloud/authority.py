"""The certificates of the stand-in's world: two roots, RSA and ECDSA as Amazon's, with a server certificate each; and
the authority that issues devices' certificates."""
import datetime
import hashlib
import ipaddress
import os

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

CURVES = ("secp256r1", "secp384r1", "secp521r1")
BEGIN, END = datetime.datetime(2020, 1, 1), datetime.datetime(2049, 12, 31, 23, 59, 59)


def name(common):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


ISSUER = x509.Name([
    x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
    x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Washington"),
    x509.NameAttribute(NameOID.LOCALITY_NAME, "Seattle"),
    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Amazon.com Inc."),
    x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Amazon Web Services"),
])


def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def ec_key():
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                             serialization.NoEncryption()).decode()


def public_pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM,
                                         serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def fingerprint(certificate):
    """AWS IoT's id of a certificate."""
    return hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def spki_digest(public_key):
    """What tells whether two certificates are for the same key."""
    der = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def key_is_taken(public_key):
    """Does AWS IoT take such a key?"""
    if isinstance(public_key, rsa.RSAPublicKey):
        return public_key.key_size >= 2048
    return isinstance(public_key, ec.EllipticCurvePublicKey) and public_key.curve.name in CURVES


class Authority:
    def __init__(self, subject, key, until=END):
        self.key, self.until = key, until
        self.certificate = self._sign(subject, key.public_key(), subject, ca=True)

    def _sign(self, subject, public_key, issuer, ca=False, san=None, until=None):
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
                   .serial_number(x509.random_serial_number()).not_valid_before(BEGIN)
                   .not_valid_after(until or self.until)
                   .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                                  critical=False)
                   .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False),
                                  critical=True))
        if san:
            builder = builder.add_extension(x509.SubjectAlternativeName(san), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, public_key, subject, san=None, until=None):
        return self._sign(subject, public_key, self.certificate.subject, san=san, until=until)


def signed_by(certificate, public_key):
    """Did this key sign it?"""
    data = (certificate.signature, certificate.tbs_certificate_bytes)
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(*data, padding.PKCS1v15(), certificate.signature_hash_algorithm)
        else:
            public_key.verify(*data, ec.ECDSA(certificate.signature_hash_algorithm))
        return True
    except (InvalidSignature, TypeError, ValueError):
        return False


def _write(path, text, mode=0o644):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="ascii") as f:
        f.write(text)
    return path


class World:
    """All of them, and the files that others need, in a folder."""

    def __init__(self, folder, hosts):
        self.folder = folder
        san = []
        for host in hosts:
            try:
                san.append(x509.IPAddress(ipaddress.ip_address(host)))
            except ValueError:
                san.append(x509.DNSName(host))
        self.devices = Authority(ISSUER, rsa_key())
        self.device_ca = _write(os.path.join(folder, "device_ca.pem"), pem(self.devices.certificate))
        self.servers, roots = [], []  # (certificate's path, key's path): RSA, ECDSA
        for kind, make in (("RSA", rsa_key), ("ECDSA", ec_key)):
            root, key = Authority(name(f"Stand-in Root CA {kind}"), make()), make()
            roots.append(pem(root.certificate))
            leaf = root.issue(key.public_key(), name(hosts[0]), san)
            stem = os.path.join(folder, f"server_{kind.lower()}")
            self.servers.append((_write(stem + ".crt", pem(leaf)), _write(stem + ".key", key_pem(key), 0o600)))
        self.ca = _write(os.path.join(folder, "ca.pem"), "".join(roots))
