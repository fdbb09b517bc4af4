"""What tests of the stand-in itself have in common."""
import http.client
import json
import shutil
import ssl
import tempfile
import unittest

from aws_sdk import AwsSdk
from child import PATIENCE
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standin import Standin

ACCOUNT = "arn:aws:iot:us-east-2:123456789012:"


def request_for(key, name="bench-01"):
    """A signing request in PEM."""
    subject = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, name)])
    signed = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def policy(*statements):
    """statements: (effect, actions, resources)"""
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": effect, "Action": action, "Resource": resource} for effect, action, resource in statements]})


class StandinCase(unittest.TestCase):
    """One stand-in for each class, empty before each test, and without limits of rate."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="espgate-cloud-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.cloud = Standin(cls.folder, "--rate-percent", "0")
        cls.addClassCleanup(cls.cloud.stop)

    def setUp(self):
        self.cloud.reset()

    def connect(self, port, identity=None, alpn=None):
        """HTTPS to a port of the stand-in. identity: paths of a certificate and its key."""
        context = ssl.create_default_context(cafile=self.cloud.ca)
        if identity:
            context.load_cert_chain(*identity)
        if alpn:
            context.set_alpn_protocols([alpn])
        connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=PATIENCE)
        self.addCleanup(connection.close)
        return connection


class SdkCase(StandinCase):
    """With AWS's SDK as its client."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sdk = AwsSdk(cls.cloud, maxAttempts=1)
        cls.addClassCleanup(cls.sdk.stop)
        cls.key = ec.generate_private_key(ec.SECP256R1())
        cls.csr = request_for(cls.key)

    def arn(self, resource):
        return ACCOUNT + resource

    def refused(self, name, status, command, /, **more):
        error = self.sdk.fails(command, **more)
        self.assertEqual((error["name"], error["status"]), (name, status), error)
        return error

    def known(self, name, status, command, /, **more):
        """An error that the SDK has a class for."""
        error = self.refused(name, status, command, **more)
        self.assertTrue(error["typed"], error)
        return error

    def certificate(self, **more):
        return self.sdk.ok("CreateCertificateFromCsr", certificateSigningRequest=self.csr, **more)


def put(connection, method, target, headers=(), body=""):
    """A request with just these headers."""
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in headers:
        connection.putheader(name, value)
    connection.endheaders(body.encode())


def send(connection, *request):
    """(status, headers, body) of a request with just these headers."""
    put(connection, *request)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def error_of(answer):
    return (answer[1].get("x-amzn-ErrorType") or "").rstrip(":")
