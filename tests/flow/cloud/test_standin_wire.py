"""The stand-in for AWS's control plane by plain requests: each signature of the SDK is right, and none once anything is
changed; faults on command; a device's own ways over HTTPS."""
import base64
import calendar
import contextlib
import glob
import json
import os
import socket
import ssl
import threading
import time
import unittest

import bench_pki
from child import PATIENCE
from standin import ROOT
from standin_case import ACCOUNT, StandinCase, error_of, policy, put, send

DATA = os.path.join(ROOT, "tests", "data", "aws")
KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOON = calendar.timegm((2026, 1, 15, 12, 0, 0))
FRONT = {"InvalidSignatureException", "UnrecognizedClientException", "MissingAuthenticationTokenException",
         "IncompleteSignatureException", "ExpiredTokenException"}


def captures():
    """(name, method, target, headers, body) as AWS's SDK sent them."""
    for path in sorted(glob.glob(os.path.join(DATA, "captures", "*.json"))):
        with open(path, encoding="utf-8") as f:
            request = json.load(f)["request"]
        yield (os.path.basename(path), request["method"], request["target"], list(request["headers"].items()),
               request["body"])


def vectors():
    """The same of requests signed by hand, without the SDK's own headers."""
    with open(os.path.join(DATA, "requests.json"), encoding="utf-8") as f:
        for one in json.load(f):
            headers = [*one["headers"].items(), ("authorization", one["authorization"]),
                       ("content-length", str(len(one["body"].encode())))]
            yield one["name"], one["method"], one["target"], headers, one["body"]


def changed(text, at=-1):
    """With one character that is another."""
    at %= len(text)
    return text[:at] + ("b" if text[at] == "a" else "a") + text[at + 1:]


def with_header(headers, name, change):
    return [(n, change(v) if n.lower() == name else v) for n, v in headers]


class Signatures(StandinCase):
    def setUp(self):
        super().setUp()
        self.cloud.call("POST", "/clock", {"now": NOON})
        port = int(self.cloud.control.rpartition(":")[2])
        self.control, self.data = self.connect(port), self.connect(self.cloud.https_port)

    def ask(self, method, target, headers, body):
        """The front end's refusal, or "": it was let through to its operation."""
        sent = dict((n.lower(), v) for n, v in headers)
        token = sent.get("x-amz-security-token")
        if token != getattr(self, "token", ""):
            self.cloud.user(access_key_id=KEY_ID, secret_access_key=SECRET, session_token=token or False)
            self.token = token
        of_data = "/iotdata/" in sent.get("authorization", "")
        answer = send(self.data if of_data else self.control, method, target, headers, body)
        if answer[2].startswith(b"<ErrorResponse"):
            return "SignatureDoesNotMatch" if b"<Code>SignatureDoesNotMatch" in answer[2] else "other"
        error = error_of(answer)
        return error if error in FRONT else ""

    def each(self):
        found = [*captures(), *vectors()]
        self.assertEqual(len(found), 57 + 25)
        for name, *request in found:
            with self.subTest(name):
                yield request

    def assert_mismatch(self, *request):
        self.assertIn(self.ask(*request), ("InvalidSignatureException", "SignatureDoesNotMatch"), request)

    def test_each_of_the_sdk_and_of_the_vectors_is_right(self):
        for request in self.each():
            self.assertEqual(self.ask(*request), "")

    def test_none_is_right_with_a_byte_of_the_signature_changed(self):
        for method, target, headers, body in self.each():
            self.assert_mismatch(method, target, with_header(headers, "authorization", changed), body)

    def test_none_is_right_with_a_byte_of_the_body_changed(self):
        for method, target, headers, body in self.each():
            if "Action=" in body:  # without its operation it is none of STS's
                self.assert_mismatch(method, target, headers, changed(body))
            elif body:
                self.assert_mismatch(method, target, headers, changed(body, len(body) // 2))
            else:
                longer = [(n, v) for n, v in headers if n.lower() != "content-length"] + [("Content-Length", "1")]
                self.assert_mismatch(method, target, longer, "x")

    def test_none_is_right_with_a_byte_of_the_target_changed(self):
        for method, target, headers, body in self.each():
            if "/sts/" not in dict((n.lower(), v) for n, v in headers)["authorization"]:
                self.assert_mismatch(method, changed(target), headers, body)
                self.assert_mismatch(method, target + ("&" if "?" in target else "?") + "x=y", headers, body)

    def test_none_is_right_with_a_signed_header_changed(self):
        for method, target, headers, body in self.each():
            signed = dict((n.lower(), v) for n, v in headers)["authorization"].split("SignedHeaders=")[1].split(",")[0]
            for name in set(signed.split(";")) - {"content-length", "x-amz-security-token"}:
                if name == "x-amz-date":
                    other = with_header(headers, name, lambda v: v.replace("T1200", "T1201"))
                else:
                    other = with_header(headers, name, changed)
                self.assert_mismatch(method, target, other, body)

    def test_the_method_is_signed(self):
        for method, target, headers, body in self.each():
            if target != "/":
                self.assert_mismatch("PUT" if method != "PUT" else "POST", target, headers, body)

    def test_headers_of_aws_have_to_be_signed(self):
        for method, target, headers, body in self.each():
            self.assert_mismatch(method, target, [*headers, ("x-amzn-unsigned", "a")], body)
            self.assert_mismatch(method, target, [*headers, ("x-amz-meta", "a")], body)
            harmless = [("x-amzn-trace-id", "a"), ("accept", "*/*")]
            self.assertEqual(self.ask(method, target, headers + harmless, body), "")

    def test_the_order_of_a_query_and_of_headers_does_not_matter(self):
        for method, target, headers, body in self.each():
            path, _, query = target.partition("?")
            turned = path + "?" + "&".join(query.split("&")[::-1]) if query else path
            self.assertEqual(self.ask(method, turned, headers[::-1], body), "")

    def test_five_minutes_are_the_limit(self):
        request = next(iter(vectors()))[1:]
        for offset, right in ((-310, False), (-290, True), (290, True), (310, False)):
            self.cloud.call("POST", "/clock", {"now": NOON + offset})
            self.assertEqual(self.ask(*request), "" if right else "InvalidSignatureException", offset)

    def test_what_is_not_signed_at_all(self):
        method, target, headers, body = next(iter(vectors()))[1:]

        def ask(change):
            return self.ask(method, target, with_header(headers, "authorization", change), body)
        self.assertEqual(self.ask(method, target, [h for h in headers if h[0] != "authorization"], body),
                         "MissingAuthenticationTokenException")
        self.assertEqual(ask(lambda v: "Bearer x"), "IncompleteSignatureException")
        self.assertEqual(ask(lambda v: v.split(", Signature")[0]), "IncompleteSignatureException")
        self.assertEqual(ask(lambda v: v.replace(KEY_ID, "AKIANOBODY")), "UnrecognizedClientException")
        self.assertEqual(ask(lambda v: v.replace("/iot/", "/execute-api/")), "InvalidSignatureException")
        self.assertEqual(ask(lambda v: v.replace("20260115/", "20260116/")), "InvalidSignatureException")
        self.assertEqual(self.ask(method, target, [h for h in headers if h[0] != "x-amz-date"], body),
                         "IncompleteSignatureException")

    def test_the_right_service_is_named(self):
        method, target, headers, body = next(iter(vectors()))[1:]
        other = with_header(headers, "authorization", lambda v: v.replace("/iot/", "/execute-api/"))
        self.ask(method, target, headers, body)
        self.assertIn("Credential should be scoped to correct service: 'iot'",
                      json.loads(send(self.control, method, target, other, body)[2])["message"])


class Faults(StandinCase):
    """A signed request is had from the vectors; what it is answered is judged by what the connection does."""

    def setUp(self):
        super().setUp()
        self.cloud.call("POST", "/clock", {"now": NOON})
        self.cloud.user(access_key_id=KEY_ID, secret_access_key=SECRET)
        self.requests = {name: request for name, *request in vectors()}

    def start(self):
        return self.connect(int(self.cloud.control.rpartition(":")[2]))

    def ask(self, name="create-thing", connection=None):
        return send(connection or self.start(), *self.requests[name])

    def leave(self, event, mark):
        """Ask for a thing, and go away when the stand-in is that far with it."""
        connection = self.start()
        put(connection, *self.requests["create-thing"])
        self.cloud.wait_event(event, "CreateThing", mark)
        connection.close()

    def test_a_call_that_is_not_answered_is_done_or_not(self):
        for when, event, there in (("before", "arrived", set()), ("after", "done", {"bench-01"})):
            mark = self.cloud.mark()
            self.cloud.fault("CreateThing", "mute", when=when)
            self.leave(event, mark)
            self.assertEqual(self.cloud.wait_event("answered", "CreateThing", mark)["status"], 0)
            self.assertEqual(set(self.cloud.things()), there)

    def test_a_call_is_held_until_it_is_let_go(self):
        for when, there in (("before", set()), ("after", {"bench-01"})):
            self.cloud.operate("DeleteThing", {"thingName": "bench-01"})
            mark = self.cloud.mark()
            fault = self.cloud.fault("CreateThing", "hold", when=when)
            answers = []
            caller = threading.Thread(target=lambda: answers.append(self.ask()[0]))
            caller.start()
            self.cloud.wait_event("done" if when == "after" else "arrived", "CreateThing", mark)
            self.assertEqual(set(self.cloud.things()), there)
            self.assertEqual(answers, [])
            self.cloud.clear_faults(fault)
            caller.join(PATIENCE)
            self.assertEqual((answers, set(self.cloud.things())), ([200], {"bench-01"}))

    def test_a_call_may_be_done_after_its_caller_has_left(self):
        mark = self.cloud.mark()
        fault = self.cloud.fault("CreateThing", "hold")
        self.leave("arrived", mark)
        self.assertEqual(self.cloud.things(), {})
        self.cloud.clear_faults(fault)
        self.assertEqual(self.cloud.wait_event("done", "CreateThing", mark)["thingName"], "bench-01")
        self.assertEqual(set(self.cloud.things()), {"bench-01"})

    def test_a_connection_ends(self):
        self.cloud.fault("CreateThing", "reset")
        with self.assertRaises(ConnectionResetError):
            self.ask()
        self.assertEqual(self.cloud.things(), {})
        self.cloud.fault("CreateThing", "cut")
        with self.assertRaises(Exception) as caught:
            self.ask()
        self.assertEqual(type(caught.exception).__name__, "IncompleteRead")
        self.assertEqual(set(self.cloud.things()), {"bench-01"})

    def test_which_calls_and_how_many(self):
        self.cloud.fault("DescribeThing", "throttle", skip=1, times=2, retry_after=3)
        connection = self.start()
        answers = [self.ask("describe-thing", connection) for _ in range(4)]
        self.assertEqual([error_of(a) for a in answers], ["ResourceNotFoundException", "ThrottlingException",
                                                          "ThrottlingException", "ResourceNotFoundException"])
        self.assertEqual(answers[1][1]["Retry-After"], "3")
        self.cloud.fault("*", "error", path="esp32:24", times=None, status=503, error="ServiceUnavailableException")
        self.assertEqual(self.ask("create-thing", connection)[0], 200)
        self.assertEqual([self.ask("create-thing-colon-name", connection)[0] for _ in range(3)], [503] * 3)

    def test_a_proxy_in_between(self):
        self.cloud.fault("CreateThing", "html")
        status, headers, body = self.ask()
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html"))
        self.assertIn(b"<html>", body)

    def test_a_fault_that_is_none_is_refused(self):
        for bad in ({"do": "no"}, {"do": "mute", "when": "never"}, {"do": "mute", "tims": 3}):
            with self.assertRaisesRegex(Exception, "400"):
                self.cloud.call("POST", "/faults", bad)

    def test_a_rate_holds_for_all_callers_together(self):
        self.cloud.configure(rate_percent=5)  # of 20 a second
        connections = [self.start() for _ in range(8)]
        answers, begin = [], time.monotonic()

        def call(connection):
            answers.extend(error_of(self.ask("list-thing-principals", connection)) for _ in range(5))
        callers = [threading.Thread(target=call, args=[c]) for c in connections]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(PATIENCE)
        let_in = answers.count("ResourceNotFoundException")
        self.assertEqual(len(answers), 40)
        self.assertEqual(let_in + answers.count("ThrottlingException"), 40, answers)
        self.assertGreaterEqual(let_in, 1)
        self.assertLessEqual(let_in, 1 + time.monotonic() - begin)

    def test_it_is_as_far_away_as_told(self):
        self.cloud.configure(rtt_ms=60)
        before, begin = self.cloud.counts(), time.monotonic()
        connection = self.start()
        for _ in range(3):
            self.ask("describe-endpoint", connection)
        self.assertGreaterEqual(time.monotonic() - begin, 5 * 0.060)  # TCP, TLS, and three calls
        after = self.cloud.counts()
        self.assertEqual({n: after[n] - before.get(n, 0) for n in ("control_handshakes", "calls")},
                         {"control_handshakes": 1, "calls": 3})
        self.assertEqual(after["control_most_open"], 1)

    def test_a_handshake_that_fails_is_counted(self):
        with socket.create_connection(("127.0.0.1", int(self.cloud.control.rpartition(":")[2]))) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                while raw.recv(4096):
                    pass
        self.assertEqual(self.cloud.counts()["control_failed_handshakes"], 1)


class Devices(StandinCase):
    """What a device's certificate can do over HTTPS."""

    def setUp(self):
        super().setUp()
        made = self.cloud.operate("CreateKeysAndCertificate", query={"setAsActive": "true"})
        self.one, self.arn = made["certificateId"], made["certificateArn"]
        self.identity = []
        for name, text in (("crt", made["certificatePem"]), ("key", made["keyPair"]["PrivateKey"])):
            self.identity.append(os.path.join(self.folder, f"device.{name}"))
            with open(self.identity[-1], "w", encoding="ascii") as f:
                f.write(text)
        self.cloud.operate("CreatePolicy", {"policyName": "p"}, {"policyDocument": policy(
            ("Allow", "iot:Publish", ACCOUNT + "topic/a/*"), ("Allow", "iot:RetainPublish", ACCOUNT + "topic/a/kept"),
            ("Allow", "iot:AssumeRoleWithCertificate", ACCOUNT + "rolealias/bench"))})

    def attach(self, arn=None):
        self.cloud.operate("AttachPolicy", {"policyName": "p"}, {"target": arn or self.arn})

    def publish(self, target="/topics/a%2Fb?qos=1", identity=None, body="hello", port=None, alpn=None, method="POST"):
        connection = self.connect(port or self.cloud.https_publish_port, identity or self.identity, alpn)
        answer = send(connection, method, target, [("Host", "localhost"), ("Content-Length", str(len(body)))], body)
        return answer[0], json.loads(answer[2])["message"], error_of(answer)

    def test_a_message(self):
        self.assertEqual(self.publish(), (403, "Forbidden", "ForbiddenException"))
        self.attach()
        self.assertEqual(self.publish(), (200, "OK", ""))
        self.assertEqual(self.publish("/topics/b?qos=1")[0], 403)
        self.assertEqual(self.publish("/topics/a%2Fb?retain=true")[0], 403)
        self.assertEqual(self.publish("/topics/a%2Fkept?retain=true")[0], 200)
        self.assertEqual([(m["topic"], base64.b64decode(m["payload"]), m["retain"])
                          for m in self.cloud.state()["published"]],
                         [("a/b", b"hello", False), ("a/kept", b"hello", True)])
        self.cloud.operate("UpdateCertificate", {"certificateId": self.one}, query={"newStatus": "INACTIVE"})
        self.assertEqual(self.publish(), (403, "Forbidden", "ForbiddenException"))

    def test_messages_that_are_none(self):
        self.attach()
        self.assertEqual(self.publish("/topics/a%2Fb?qos=2")[0::2], (400, "InvalidRequestException"))
        self.assertEqual(self.publish("/topics/a%2F%23")[0], 400)
        self.assertEqual(self.publish("/topics/a%2F" + "b%2F" * 8)[0], 400)
        self.assertEqual(self.publish("/nothing")[0], 404)
        self.assertEqual(self.publish(method="PUT")[0], 405)
        self.assertEqual(self.publish(body="x" * (128 * 1024 + 1))[0], 413)
        self.assertEqual(self.cloud.state()["published"], [])

    def test_port_443_wants_the_name_of_http_or_a_signature(self):
        self.attach()
        port = self.cloud.https_port
        self.assertEqual(self.publish(port=port, alpn="x-amzn-http-ca")[0], 200)
        self.assertEqual(self.publish(port=port), (403, "Missing Authentication Token",
                                                   "MissingAuthenticationTokenException"))

    def test_without_a_certificate_and_with_one_of_nobody(self):
        connection = self.connect(self.cloud.https_publish_port)
        answer = send(connection, "POST", "/topics/a", [("Host", "localhost"), ("Content-Length", "0")])
        self.assertEqual((answer[0], json.loads(answer[2])["message"]), (403, "Missing Authentication Token"))
        pki = bench_pki.shared()
        foreign = pki.issue("nobody", pki.other_ca)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.publish(identity=(foreign.cert_path, foreign.key_path))

    def test_a_certificate_from_elsewhere_counts_once_it_is_registered(self):
        own = bench_pki.shared().foreign_device
        made = self.cloud.operate("RegisterCertificateWithoutCA", body={"certificatePem": own.cert.decode(),
                                                                        "status": "ACTIVE"})
        self.attach(made["certificateArn"])
        self.assertEqual(self.publish(identity=(own.cert_path, own.key_path))[0], 200)

    def credentials(self, alias="bench", **headers):
        port = int(self.cloud.credential_endpoint.rpartition(":")[2])
        answer = send(self.connect(port, self.identity), "GET", f"/role-aliases/{alias}/credentials",
                      [("Host", "localhost"), *headers.items()])
        return answer[0], json.loads(answer[2])

    def test_credentials_of_a_role(self):
        self.cloud.operate("CreateRoleAlias", {"roleAlias": "bench"}, {"roleArn": "arn:aws:iam::123456789012:role/r"})
        self.assertEqual(self.credentials(), (403, {"message": "Access Denied"}))
        self.attach()
        status, told = self.credentials()
        self.assertEqual(status, 200)
        self.assertEqual(set(told["credentials"]), {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"})
        self.assertRegex(told["credentials"]["expiration"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(self.credentials(**{"x-amzn-iot-thingname": "t"})[0], 400)
        self.cloud.operate("CreateThing", {"thingName": "t"})
        self.cloud.operate("AttachThingPrincipal", {"thingName": "t"}, headers={"x-amzn-principal": self.arn})
        self.assertEqual(self.credentials(**{"x-amzn-iot-thingname": "t"})[0], 200)
        self.assertEqual(self.credentials("other")[0], 404)

    def test_what_a_broker_is_told(self):
        ask = {"certificate_id": self.one, "client_id": "t", "action": "iot:Publish", "resource": "topic/a/x"}
        told = {"allowed": False, "decision": "IMPLICIT_DENY", "certificate": "ACTIVE", "thing": None}
        self.assertEqual(self.cloud.authorize(**ask), told)
        self.attach()
        self.assertEqual(self.cloud.authorize(**ask), told | {"allowed": True, "decision": "ALLOWED"})
        self.cloud.operate("UpdateCertificate", {"certificateId": self.one}, query={"newStatus": "INACTIVE"})
        self.assertEqual(self.cloud.authorize(**ask), {"allowed": False, "decision": "ALLOWED",
                                                       "certificate": "INACTIVE", "thing": None})
        self.assertEqual(self.cloud.authorize(**{**ask, "certificate_id": "0" * 64})["certificate"], None)


if __name__ == "__main__":
    unittest.main()
