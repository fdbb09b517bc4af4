"""TLS as clients see it: versions, client certificates, and files that are exchanged while connections live."""
import hashlib
import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import unittest

import bench_pki
import harness
from child import PATIENCE, program

CONCURRENT = True


def digest(pem):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).hexdigest()


class TlsCase(unittest.TestCase):
    client_ca = False

    def setUp(self):
        self.pki = bench_pki.shared()
        self.bench = harness.Bench(boards=0, broker=False, gate=False)
        self.bench.__enter__()
        self.addCleanup(self.bench.__exit__, None, None, None)
        self.cert, self.key, self.ca = (os.path.join(self.bench.folder, n) for n in ("tls.crt", "tls.key", "ca.crt"))
        self.put(self.pki.broker)
        shutil.copyfile(self.pki.ca.cert_path, self.ca)
        args = ["--tls-cert", self.cert, "--tls-key", self.key]
        if self.client_ca:
            args += ["--client-ca", self.ca]
        self.gate = self.bench.gate = harness.Espgate(self.bench.folder, self.bench.env, args)
        self.gate.tls = self.client()
        self.addCleanup(self.gate.stop)

    def put(self, identity):
        shutil.copyfile(identity.cert_path, self.cert)
        shutil.copyfile(identity.key_path, self.key)

    def client(self, identity=None, root=None):
        context = ssl.create_default_context(cafile=(root or self.pki.ca).cert_path)
        if identity:
            context.load_cert_chain(identity.cert_path, identity.key_path)
        return context

    def connect(self, context=None):
        connection = http.client.HTTPSConnection("127.0.0.1", self.gate.port, timeout=PATIENCE,
                                                 context=context or self.client())
        connection.connect()
        return connection

    def ask(self, connection):
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status, answer.read()

    def shown(self):
        """SHA-256 of the certificate that a new connection is shown."""
        with self.connect(ssl._create_unverified_context()).sock as s:  # pylint: disable=protected-access
            return hashlib.sha256(s.getpeercert(True)).hexdigest()

    def reload(self, says):
        mark = self.gate.child.mark()
        self.gate.child.process.send_signal(signal.SIGHUP)
        return self.gate.child.wait_line(says, since=mark)


class Tls(TlsCase):
    def test_it_serves(self):
        self.gate.get("/healthz").expect(200)
        self.gate.get("/v1/slots").expect(200)
        done = subprocess.run([program("curl"), "-sS", "--fail", "--cacert", self.pki.ca.cert_path,
                               f"https://localhost:{self.gate.port}/healthz"], capture_output=True, timeout=PATIENCE,
                              check=True)
        self.assertIn(b'"ok"', done.stdout)

    def test_only_1_2_and_1_3(self):
        # The client of this test would take any; whether the server does is the question.
        def handshake(option):
            done = subprocess.run([program("openssl"), "s_client", "-connect", f"127.0.0.1:{self.gate.port}", option,
                                   "-cipher", "ALL:@SECLEVEL=0", "-brief"], input=b"", capture_output=True,
                                  timeout=PATIENCE, check=False)
            return done.returncode == 0 and re.search(rb"Protocol version: (\S+)", done.stderr)[1].decode()
        self.assertEqual(handshake("-tls1_3"), "TLSv1.3")
        self.assertEqual(handshake("-tls1_2"), "TLSv1.2")
        self.assertFalse(handshake("-tls1_1"))
        self.assertFalse(handshake("-tls1"))

    def test_an_event_stream_goes_on_over_a_reload(self):
        stream = self.connect()
        token = self.gate.token
        stream.request("GET", "/v1/events", headers={"Authorization": f"Bearer {token}"})
        answer = stream.getresponse()
        self.assertEqual(answer.status, 200)
        self.reload(" reloaded")
        self.gate.put("/v1/slots/a", {"at_port": "/dev/nosuch"}).expect(201)
        while b"slot.changed" not in answer.readline():
            self.assertFalse(answer.isclosed())
        stream.close()

    def test_plain_http_gets_nothing(self):
        with socket.create_connection(("127.0.0.1", self.gate.port), PATIENCE) as s:
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertNotIn(b"HTTP/", s.recv(4096))
        self.gate.get("/healthz").expect(200)

    def test_new_files_are_shown_to_new_connections_and_old_ones_live_on(self):
        old = self.connect()
        self.assertEqual(self.ask(old)[0], 200)
        renewed = self.pki.issue("renewed", self.pki.ca, san=bench_pki.HERE)
        self.put(renewed)
        self.reload(" reloaded")
        self.assertEqual(self.shown(), digest(renewed.cert))
        self.assertEqual(self.ask(old)[0], 200)
        old.close()

    def test_bad_files_leave_all_as_it_was(self):
        before = self.shown()
        shutil.copyfile(self.pki.device.key_path, self.key)  # another's
        self.reload("not reloaded.* code=tls_key ")
        self.assertEqual(self.shown(), before)
        with open(self.cert, "w", encoding="ascii") as f:
            f.write("no certificate")
        self.reload("not reloaded.* code=tls_certificate ")
        os.unlink(self.cert)
        self.reload("not reloaded.* code=tls_certificate ")
        self.assertEqual(self.shown(), before)
        self.gate.get("/healthz").expect(200)

    def test_an_expired_certificate_is_told(self):
        self.put(self.pki.expired_broker)
        mark = self.gate.child.mark()
        self.reload(" reloaded")
        self.gate.child.wait_line("TLS certificate has expired", since=mark)
        self.assertEqual(self.shown(), digest(self.pki.expired_broker.cert))

    def test_it_does_not_start_without_its_files(self):
        self.gate.stop()
        os.unlink(self.key)
        done = subprocess.run(self.gate.argv, capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("code=tls_key", done.stderr)
        self.assertEqual(done.stdout, "")


class ClientCertificates(TlsCase):
    client_ca = True

    def status(self, identity):
        self.gate.tls = self.client(identity)
        return self.gate.get("/healthz")

    def test_one_of_the_authority_is_let_in(self):
        self.status(self.pki.ec_device).expect(200)

    def test_nobody_else_is(self):
        self.status(None).problem(403, "client_certificate_missing")
        self.status(self.pki.foreign_device).problem(403, "client_certificate_refused")
        self.status(self.pki.expired_device).problem(403, "client_certificate_refused")
        self.gate.tls = self.client()
        self.gate.get("/no/such/path").problem(403, "client_certificate_missing")
        self.gate.post("/v1/jobs", {"kind": "reset"}).problem(403, "client_certificate_missing")

    def test_a_connection_is_refused_to_its_end(self):
        connection = self.connect(self.client(self.pki.foreign_device))
        for _ in range(2):
            self.assertEqual(self.ask(connection)[0], 403)
        connection.close()

    def test_a_token_may_stand_for_a_certificate(self):
        self.status(self.pki.ec_device).expect(200)
        sha256 = digest(self.pki.ec_device.cert)
        nobody = {"Authorization": None}
        self.gate.get("/v1/slots", headers=nobody).problem(401, "token_required")
        made = self.gate.post("/v1/tokens", {"name": "page", "scope": "viewer", "certificate_sha256": sha256}).expect(201).json
        self.assertNotIn("token", made)
        me = self.gate.get("/v1/me", headers=nobody).expect(200).json
        self.assertEqual((me["name"], me["scope"], me["method"], me["token"]), ("page", "viewer", "certificate", made["id"]))
        self.gate.get("/v1/tokens", headers=nobody).problem(403, "missing_scope")
        self.gate.get("/v1/tokens").expect(200)  # a token that is sent counts more
        self.status(self.pki.device).expect(200)
        self.gate.get("/v1/slots", headers=nobody).problem(401, "token_required")
        self.gate.delete(f"/v1/tokens/{made['id']}").expect(204)
        self.status(self.pki.ec_device).expect(200)
        self.gate.get("/v1/slots", headers=nobody).problem(401, "token_revoked")

    def test_the_authorities_are_read_again(self):
        shutil.copyfile(self.pki.other_ca.cert_path, self.ca)
        self.reload(" reloaded")
        self.status(self.pki.foreign_device).expect(200)
        self.status(self.pki.ec_device).problem(403, "client_certificate_refused")


if __name__ == "__main__":
    unittest.main()
