"""The AWS-like broker, when the stand-in of the control plane decides: who gets how far, and fleet provisioning."""
import http.client
import json
import ssl
import tempfile
import unittest

import bench_pki
from aws_broker import AwsBroker
from child import PATIENCE
from grants import THING, Grants
from mqtt_client import MqttClient
from standin import Standin

CSR, TEMPLATE = "$aws/certificates/create-from-csr/json", "$aws/provisioning-templates/bench/provision/json"


class BrokerCase(Grants, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="espgate-broker-")
        cls.addClassCleanup(folder.cleanup)
        cls.cloud = Standin(folder.name, "--rate-percent", "0")
        cls.addClassCleanup(cls.cloud.stop)
        cls.broker = AwsBroker(folder.name, cloud=cls.cloud)
        cls.addClassCleanup(cls.broker.stop)

    def setUp(self):
        self.cloud.reset()

    def client(self, one, client_id, **more):
        _, certificate, key = one
        client = MqttClient(self.broker.port, self.cloud.ca, certificate, key, client_id, **more)
        self.addCleanup(client.close)
        return client


class Decisions(BrokerCase):
    def test_what_is_attached_works(self):
        client = self.client(self.certificate(self.policy()), "dev")
        self.assertTrue(client.accepted and client.subscribe("a/b") and client.publish("a/b", "hello"))
        self.assertEqual(client.message(), ("a/b", b"hello"))

    def test_a_message_over_https_comes_to_who_has_subscribed(self):
        _, certificate, key = one = self.certificate(self.policy())
        client = self.client(one, "dev")
        self.assertTrue(client.subscribe("a/b"))
        context = ssl.create_default_context(cafile=self.cloud.ca)
        with tempfile.NamedTemporaryFile("w", prefix="espgate-test-") as f:
            f.write(key + certificate)
            f.flush()
            context.load_cert_chain(f.name)
        https = http.client.HTTPSConnection("localhost", self.cloud.https_publish_port, context=context,
                                            timeout=PATIENCE)
        self.addCleanup(https.close)
        https.request("POST", "/topics/a%2Fb?qos=1", b"hello")
        self.assertEqual(https.getresponse().status, 200)
        self.assertEqual(client.message(), ("a/b", b"hello"))

    def test_what_is_missing_is_cut_off_until_it_is_there(self):
        policy = self.policy(Connect=f"client/{THING}")
        one = self.certificate(active=False)
        set_active = {"path": {"certificateId": one[0].rpartition("/")[2]}, "query": {"newStatus": "ACTIVE"}}
        for repair in (lambda: self.cloud.operate("UpdateCertificate", **set_active),
                       lambda: self.attach(one[0], policy=policy),
                       lambda: self.attach(one[0], thing="dev")):
            self.assertFalse(self.client(one, "dev").accepted)
            repair()
        self.assertTrue(self.client(one, "dev").accepted)
        self.assertFalse(self.client(one, "other").accepted)

    def test_a_certificate_from_elsewhere_is_known_once_it_is_registered(self):
        foreign = bench_pki.shared().foreign_device
        one = (None, foreign.cert.decode(), foreign.key.decode())
        self.assertFalse(self.client(one, "dev").accepted)
        made = self.cloud.operate("RegisterCertificateWithoutCA", {},
                                  {"certificatePem": foreign.cert.decode(), "status": "ACTIVE"})
        self.attach(made["certificateArn"], policy=self.policy())
        self.assertTrue(self.client(one, "dev").accepted)

    def test_each_action_has_its_own_end(self):
        one = self.certificate(self.policy("no_subscribe", Subscribe="topicfilter/x"))
        client = self.client(one, "a")
        self.assertTrue(client.accepted)
        self.assertFalse(client.subscribe("a/b"))
        one = self.certificate(self.policy("no_publish", Publish="topic/x"))
        client = self.client(one, "b")
        self.assertTrue(client.subscribe("a/b"))
        self.assertFalse(client.publish("a/b", "hello"))
        one = self.certificate(self.policy("no_receive", Receive="topic/x"))
        client = self.client(one, "c")
        self.assertTrue(client.subscribe("#") and client.publish("a/b", "unheard") and client.publish("x", "heard"))
        self.assertEqual(client.message(), ("x", b"heard"))

    def test_the_older_of_two_with_one_id_goes(self):
        one = self.certificate(self.policy())
        older = self.client(one, "dev")
        self.assertTrue(self.client(one, "dev").accepted)
        self.assertIsNone(older.message())

    def test_a_message_is_kept_for_those_who_come_later(self):
        document = self.policy()
        sender = self.client(self.certificate(document), "a")
        self.assertFalse(sender.publish("kept/x", "hello", retain=True))  # a right of its own
        sender = self.client(self.certificate(self.policy("retain", RetainPublish="topic/*")), "a")
        self.assertTrue(sender.publish("kept/x", "hello", retain=True))
        later = self.client(self.certificate(document), "b")
        self.assertTrue(later.subscribe("kept/x"))
        self.assertEqual(later.message(), ("kept/x", b"hello"))

    def test_a_connection_is_cut_when_a_test_says_so(self):
        one = self.certificate(self.policy())
        self.broker.tell("cut connect")
        while self.client(one, "dev").accepted:
            pass  # until it has read that
        self.assertTrue(self.client(one, "dev").accepted)


class Fleet(BrokerCase):
    def setUp(self):
        super().setUp()
        self.policy("fleet")
        self.template("bench", "fleet")

    def claim(self):
        made = self.cloud.operate("CreateProvisioningClaim", {"templateName": "bench"})
        return self.client((None, made["certificatePem"], made["keyPair"]["PrivateKey"]), "claim")

    def ask(self, client, topic, **question):
        """("accepted" or "rejected", the answer)"""
        for way in ("accepted", "rejected"):
            self.assertTrue(client.subscribe(f"{topic}/{way}"))
        self.assertTrue(client.publish(topic, json.dumps(question)))
        there, payload = client.message()
        return there.removeprefix(topic + "/"), json.loads(payload)

    def request(self):
        key = bench_pki.shared().ec_device.key_path
        return bench_pki.openssl("req", "-new", "-key", key, "-subj", "/CN=unit").decode()

    def test_a_claim_becomes_a_thing_with_an_active_certificate(self):
        client = self.claim()
        way, made = self.ask(client, CSR, certificateSigningRequest=self.request())
        self.assertEqual(way, "accepted")
        one = (None, made["certificatePem"], bench_pki.shared().ec_device.key.decode())
        self.assertFalse(self.client(one, "unit-7").accepted)
        way, thing = self.ask(client, TEMPLATE, certificateOwnershipToken=made["certificateOwnershipToken"],
                              parameters={"Serial": "7"})
        self.assertEqual((way, thing), ("accepted", {"deviceConfiguration": {"site": "bench"}, "thingName": "unit-7"}))
        self.assertTrue(self.client(one, "unit-7").accepted)
        kept = self.cloud.certificates()[made["certificateId"]]
        self.assertEqual((kept["status"], kept["things"], kept["policies"]), ("ACTIVE", ["unit-7"], ["fleet"]))

    def test_what_is_wrong_is_rejected(self):
        client = self.claim()
        for topic, question in ((CSR, {"certificateSigningRequest": "no"}),
                                (TEMPLATE, {"certificateOwnershipToken": "no", "parameters": {"Serial": "7"}})):
            way, answer = self.ask(client, topic, **question)
            self.assertEqual((way, sorted(answer)), ("rejected", ["errorCode", "errorMessage", "statusCode"]))

    def test_a_claim_is_for_its_template_alone(self):
        self.assertFalse(self.claim().subscribe(TEMPLATE.replace("bench", "other") + "/accepted"))
        self.assertFalse(self.claim().publish("a/b", "hello"))

    def test_who_has_not_subscribed_hears_nothing(self):
        client = self.claim()
        self.assertTrue(client.publish(CSR, json.dumps({"certificateSigningRequest": self.request()})))
        self.broker.wait(f"fleet claim {CSR} unanswered")

    def test_an_answer_is_what_a_test_says(self):
        client = self.claim()
        self.assertTrue(client.subscribe(CSR + "/accepted"))
        for order, answer in (("answer <html>", b"<html>"), ("answer-long 70000", b" " * 70000)):
            self.broker.tell(order)
            # A question that comes before the order is answered as usual.
            while client.publish(CSR, json.dumps({"certificateSigningRequest": self.request()})):
                if client.message()[1] == answer:
                    break


if __name__ == "__main__":
    unittest.main()
