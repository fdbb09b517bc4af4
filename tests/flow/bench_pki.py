"""Certificates made at test time by the openssl command, with dates relative to now.

One set is shared by all tests of a process, each certificate made when first asked for."""
import atexit
import datetime
import functools
import os
import re
import shutil
import subprocess
import tempfile
import threading

CONFIG = """
[ca]
default_ca = this
[this]
dir = {folder}
database = $dir/index
serial = $dir/serial
new_certs_dir = $dir
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = none
[none]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
{san}
"""
KEYS = {
    "ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ec384": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}
HERE = "DNS:localhost,IP:127.0.0.1,IP:::1"


def openssl(*args, **kwargs):
    done = subprocess.run(["openssl", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                          check=False, **kwargs)
    if done.returncode:
        raise AssertionError(f"openssl {' '.join(args)}: {done.stderr.decode()}")
    return done.stdout


class Identity:
    def __init__(self, stem):
        self.cert_path, self.key_path = stem + ".crt", stem + ".key"

    @functools.cached_property
    def cert(self):
        with open(self.cert_path, "rb") as f:
            return f.read()

    @functools.cached_property
    def key(self):
        with open(self.key_path, "rb") as f:
            return f.read()

    def secrets(self):
        """Lines of the key that may stand in no log."""
        return re.findall(r"^[A-Za-z0-9+/=]{40,}$", self.key.decode(), re.M)


class Pki:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="espgate-pki-")
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.made = 0
        self.lock = threading.Lock()

    def issue(self, name, issuer=None, days=(-1, 30), san="", kind="ec", root=False, key_of=None):
        """A new identity; issuer None signs itself. days: from and to, relative to now. key_of: whose key it keeps."""
        with self.lock:
            return self._issue(name, issuer, days, san, kind, root, key_of)

    def _issue(self, name, issuer, days, san, kind, root, key_of):
        self.made += 1
        stem = os.path.join(self.folder, f"{self.made}")
        one = Identity(stem)
        if key_of:
            shutil.copyfile(key_of.key_path, one.key_path)
        else:
            openssl("genpkey", *KEYS[kind], "-out", one.key_path)
        config = stem + ".conf"
        with open(config, "w", encoding="ascii") as f:
            f.write(CONFIG.format(folder=self.folder, san=f"subjectAltName = {san}" if san else ""))
        open(os.path.join(self.folder, "index"), "w", encoding="ascii").close()
        openssl("req", "-new", "-config", config, "-key", one.key_path, "-subj", f"/CN={name}", "-out", stem + ".csr")
        sign = ["-selfsign", "-keyfile", one.key_path] if issuer is None else \
            ["-cert", issuer.cert_path, "-keyfile", issuer.key_path]
        now = datetime.datetime.now(datetime.timezone.utc)
        dates = [(now + datetime.timedelta(days=d)).strftime("%Y%m%d%H%M%SZ") for d in days]
        openssl("ca", "-batch", "-notext", "-config", config, *sign, "-in", stem + ".csr", "-out", one.cert_path,
                "-extensions", "root" if root else "leaf", "-startdate", dates[0], "-enddate", dates[1],
                "-rand_serial")
        return one

    def encrypted_key(self, one, password="secret"):
        return openssl("pkey", "-in", one.key_path, "-aes128", "-passout", f"pass:{password}")

    def pkcs12(self, one, *more, password=""):
        """Certificate, key and the bench's root CA in one. more: options of openssl pkcs12."""
        return openssl("pkcs12", "-export", "-inkey", one.key_path, "-in", one.cert_path, "-certfile", self.ca.cert_path,
                       "-passout", f"pass:{password}", *more)

    def der(self, one):
        """(certificate, key)"""
        return (openssl("x509", "-in", one.cert_path, "-outform", "DER"),
                openssl("pkey", "-in", one.key_path, "-outform", "DER"))

    # AWS IoT's own are RSA 2048, so the usual ones are that, too.
    ca = functools.cached_property(lambda s: s.issue("bench root", kind="rsa", root=True))
    device = functools.cached_property(lambda s: s.issue("device", s.ca, kind="rsa"))
    ec_device = functools.cached_property(lambda s: s.issue("ec device", s.ca))
    other_device = functools.cached_property(lambda s: s.issue("other device", s.ca))
    expired_device = functools.cached_property(lambda s: s.issue("old device", s.ca, (-20, -10)))
    early_device = functools.cached_property(lambda s: s.issue("new device", s.ca, (10, 20)))
    broker = functools.cached_property(lambda s: s.issue("bench broker", s.ca, san=HERE, kind="rsa"))
    expired_broker = functools.cached_property(lambda s: s.issue("old broker", s.ca, (-20, -10), san=HERE))
    elsewhere_broker = functools.cached_property(lambda s: s.issue("far broker", s.ca, san="DNS:broker.example"))
    other_ca = functools.cached_property(lambda s: s.issue("other root", root=True))
    foreign_device = functools.cached_property(lambda s: s.issue("foreign device", s.other_ca))


@functools.cache
def shared():
    return Pki()
