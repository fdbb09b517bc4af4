"""Things are registered and taken back, by each way, and also when something is wrong or an answer is lost."""
from registration_case import RegistrationCase

CONCURRENT = True
WAITS = True  # for the answers of the account: run.py
CHANGES = ("CreateThing", "CreatePolicy", "CreateCertificateFromCsr", "AttachPolicy", "AttachThingPrincipal", "UpdateCertificate")
UNDOES = ("DetachThingPrincipal", "DetachPolicy", "UpdateCertificate", "DeleteCertificate", "DeletePolicy", "DeleteThing")
LESS = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iot:Connect","Resource":"*"}]}'


class Ways(RegistrationCase):
    def test_by_a_request_and_back(self):
        got = self.register("sensor-1", attributes={"line": "3"})
        self.assert_registered("sensor-1")
        self.assertEqual(self.cloud.things()["sensor-1"]["attributes"], {"line": "3"})
        (number, one), = self.cloud.certificates().items()
        self.assertEqual((got["certificate"]["id"], got["certificate"]["arn"]), (number, one["arn"]))
        self.assertEqual([got["policy"]], one["policies"])
        credential = self.gate.get(f"/v1/credentials/{got['credential']}").expect(200).json
        self.assertEqual((credential["fingerprint_sha256"], credential["common_name"]), (number, "sensor-1"))
        self.assertEqual(self.undo(got["id"])["state"], "undone")
        self.assert_clean()
        self.gate.get(f"/v1/credentials/{got['credential']}").expect(404)
        self.gate.delete(f"/v1/registrations/{got['id']}").expect(200, 202)  # again is no error
        calls = [name for name in self.cloud.calls() if name in CHANGES + UNDOES]
        self.assertEqual(calls, [*CHANGES, *UNDOES])

    def test_the_policy_allows_its_client_and_topic_and_no_more(self):
        got = self.register("sensor-1", {"client_id": "{thing}", "topic": "{thing}/state"})

        def may(action, resource, client="sensor-1"):
            return self.cloud.authorize(certificate_id=got["certificate"]["id"], client_id=client, action=action,
                                        resource=resource)["allowed"]
        self.assertTrue(may("iot:Connect", "client/sensor-1"))
        self.assertTrue(may("iot:Publish", "topic/sensor-1/state"))
        self.assertTrue(may("iot:Subscribe", "topicfilter/sensor-1/state"))
        self.assertTrue(may("iot:Receive", "topic/sensor-1/state"))
        self.assertFalse(may("iot:Connect", "client/sensor-2", "sensor-2"))
        self.assertFalse(may("iot:Publish", "topic/sensor-2/state"))
        self.assertFalse(may("iot:Subscribe", "topicfilter/#"))

    def test_with_a_key_of_the_clouds(self):
        got = self.register("sensor-1", certificate="aws")
        self.assert_registered("sensor-1")
        self.undo(got["id"])
        self.assert_clean()

    def test_with_a_certificate_of_a_local_authority(self):
        authority = self.gate.post("/v1/authorities", {"name": "shop", "subject": {"CN": "Shop"}}).expect(201).json["id"]
        got = self.register("sensor-1", certificate="own", authority=authority)
        self.assert_registered("sensor-1")
        self.assertEqual(self.cloud.certificates()[got["certificate"]["id"]]["mode"], "SNI_ONLY")
        self.undo(got["id"])
        self.assert_clean()

    def test_with_a_certificate_that_was_uploaded(self):
        credential = self.bench.upload()
        got = self.register("sensor-1", {"credential": credential}, certificate="own")
        self.assertEqual(got["credential"], credential)
        self.assert_registered("sensor-1")
        shown = self.gate.get(f"/v1/credentials/{credential}").expect(200).json
        self.assertEqual(shown["fingerprint_sha256"], got["certificate"]["id"])
        self.undo(got["id"])
        self.assert_clean()
        self.assertIsNone(self.gate.get(f"/v1/credentials/{credential}").expect(200).json["key_purged_at"])

    def test_a_certificate_that_is_there_already_stays(self):
        credential = self.bench.upload()
        first = self.register("sensor-1", {"credential": credential}, certificate="own")
        number = first["certificate"]["id"]
        self.undo(first["id"])
        pem = self.bench.pki.device.cert.decode()
        self.cloud.operate("RegisterCertificateWithoutCA", body={"certificatePem": pem, "status": "ACTIVE"})
        got = self.register("sensor-1", {"credential": credential}, certificate="own")
        self.assert_registered("sensor-1")
        self.undo(got["id"])
        self.assert_clean(certificates=[number])
        self.assertEqual(self.cloud.certificates()[number]["status"], "ACTIVE")

    def test_the_same_again_is_the_same_and_another_is_refused(self):
        got = self.register("sensor-1")
        again = self.gate.post("/v1/registrations", self.order("sensor-1")).expect(200).json
        self.assertEqual(again["id"], got["id"])
        refusal = self.gate.post("/v1/registrations", self.order("sensor-1", {"topic": "other"})).expect(409).json
        self.assertEqual(refusal["code"], "thing_registered")
        self.assert_registered("sensor-1")

    def test_things_share_a_policy_and_the_last_takes_it_away(self):
        one, two = self.register("sensor-1"), self.register("sensor-2")
        self.assertEqual(one["policy"], two["policy"])
        self.undo(one["id"])
        self.assert_registered("sensor-2")
        self.assertIn(one["policy"], self.cloud.policies())
        self.undo(two["id"])
        self.assert_clean()

    def test_two_things_do_not_share_a_certificate(self):
        credential = self.bench.upload()
        self.register("sensor-1", {"credential": credential}, certificate="own")
        order = self.order("sensor-2", {"credential": credential}, certificate="own")
        self.assertEqual(self.gate.post("/v1/registrations", order).expect(409).json["code"], "certificate_registered")
        self.assert_registered("sensor-1")

    def test_what_a_certificate_was_attached_to_before_it_stays_attached_to(self):
        credential = self.bench.upload()
        number = self.gate.get(f"/v1/credentials/{credential}").expect(200).json["fingerprint_sha256"]
        operate = self.cloud.operate
        pem = self.bench.pki.device.cert.decode()
        arn = operate("RegisterCertificateWithoutCA", body={"certificatePem": pem, "status": "ACTIVE"})["certificateArn"]
        operate("CreateThing", {"thingName": "theirs"}, {})
        operate("CreatePolicy", {"policyName": "theirs"}, {"policyDocument": LESS})
        operate("AttachPolicy", {"policyName": "theirs"}, {"target": arn})
        operate("AttachThingPrincipal", {"thingName": "theirs"}, headers={"x-amzn-principal": arn})
        got = self.register("theirs", {"credential": credential}, certificate="own", policy="theirs", existing=True)
        self.undo(got["id"])
        one = self.cloud.certificates()[number]
        self.assertEqual((one["status"], one["things"], one["policies"]), ("ACTIVE", ["theirs"], ["theirs"]))


class Given(RegistrationCase):
    """Accounts that are gone for good."""

    def test_one_that_is_left_is_forgotten(self):
        got = self.register("sensor-1")
        path = f"/v1/registrations/{got['id']}"
        self.assertEqual(self.gate.delete(path + "?forget=true").expect(409).json["code"], "registration_not_left")
        keys = {"from": "request", "access_key_id": "AKIDNOBODYS00000", "secret_access_key": "not+a+secret+but+as+long+as"}
        self.bench.secrets.add(keys["secret_access_key"])
        self.put_cloud(keys=keys)
        left = self.undo(got["id"])
        self.assertEqual((left["state"], left["error"]["code"]), ("left", "aws_key_unknown"), left)
        self.assertEqual(self.gate.delete("/v1/clouds/prod").expect(409).json["code"], "cloud_in_use")
        refusal = self.gate.post("/v1/registrations", self.order("sensor-1")).expect(409).json
        self.assertIn("forget=true", refusal["hint"])
        for _ in range(2):
            gone = self.gate.delete(path + "?forget=true").expect(200).json
            self.assertEqual((gone["state"], gone["left"]), ("forgotten", left["left"]))
        self.assertEqual(self.gate.delete(path).expect(200).json["state"], "forgotten")
        listed = self.gate.get("/v1/registrations?state=forgotten").expect(200).json["items"]
        self.assertEqual([one["id"] for one in listed], [got["id"]])
        self.gate.delete("/v1/clouds/prod").expect(204)
        self.put_cloud()
        self.gate.post("/v1/registrations", self.order("sensor-1")).expect(202)


class Refusals(RegistrationCase):
    def test_each_missing_permission_is_named_and_nothing_is_left(self):
        for action in CHANGES:
            user = self.cloud.user(name="narrow", deny=["iot:" + action])
            self.bench.secrets.add(user["secret_access_key"])
            keys = {"from": "request", "access_key_id": user["access_key_id"],
                    "secret_access_key": user["secret_access_key"]}
            self.put_cloud(keys=keys)
            got = self.ended(self.add("sensor-1"))
            self.assertEqual(got["error"]["code"], "aws_permission", got)
            self.assertIn(action, got["error"]["detail"])
            if got["state"] == "left":  # whoever may not activate may not deactivate
                self.assertEqual(action, "UpdateCertificate")
                self.put_cloud()
                self.undo(got["id"])
            self.assert_clean()

    def test_things_and_policies_that_are_in_the_way(self):
        operate = self.cloud.operate
        operate("CreateThing", {"thingName": "theirs"}, {"attributePayload": {"attributes": {"line": "4"}}})
        self.fails("thing_differs", "theirs", attributes={"line": "3"})
        self.fails("thing_type_missing", "sensor-1", type="no-such")
        self.fails("thing_group_missing", "sensor-1", groups=["no-such"])
        self.fails("policy_missing", "sensor-1", policy="no-such")
        operate("CreatePolicy", {"policyName": "theirs"}, {"policyDocument": LESS})
        self.fails("policy_differs", "sensor-1", policy={"name": "theirs"})
        self.fails("policy_invalid", "sensor-1", policy={"name": "mine", "document": {"Statement": "none"}})
        self.assert_clean(things=["theirs"], policies=["theirs"])
        got = self.register("theirs", policy="theirs")
        other = self.gate.delete(f"/v1/registrations/{got['id']}").expect(202)
        self.assertEqual(self.ended(other.json["id"], "undone", "left")["state"], "undone")
        self.assert_clean(things=["theirs"], policies=["theirs"])

    def test_a_thing_that_has_a_certificate(self):
        self.register("sensor-1")
        (number, one), = self.cloud.certificates().items()
        self.cloud.operate("CreateThing", {"thingName": "theirs"}, {})
        self.cloud.operate("AttachThingPrincipal", {"thingName": "theirs"}, headers={"x-amzn-principal": one["arn"]})
        self.fails("thing_has_certificate", "theirs")
        self.assertEqual(set(self.cloud.certificates()), {number})

    def test_the_quota_of_certificates(self):
        self.cloud.configure(certificate_quota=0)
        got = self.fails("aws_quota", "sensor-1")
        self.assertIn("LimitExceeded", got["error"]["device"])
        self.assert_clean()

    def test_an_account_that_is_not_reached(self):
        settings = self.cloud.settings()
        settings["control"]["endpoint"] = "https://localhost:1"
        self.gate.put("/v1/clouds/prod", settings).expect(200)
        self.fails("aws_unreachable", "sensor-1")
        self.assert_clean()

    def test_an_endpoint_that_is_not_ats(self):
        self.cloud.configure(endpoint="a1b2c3.iot.us-east-2.amazonaws.com")
        self.fails("endpoint_not_ats", "sensor-1")
        self.assert_clean()


class Lost(RegistrationCase):
    def test_an_answer_that_is_lost_makes_no_second_certificate(self):
        for do in ("reset", "cut", "error"):
            self.cloud.fault("CreateCertificateFromCsr", do, when="after")
            since = self.cloud.mark()
            got = self.register("sensor-" + do)
            self.assertEqual(self.cloud.calls(since).count("CreateCertificateFromCsr"), 1, do)
            self.assert_registered("sensor-" + do)
            self.undo(got["id"])
            self.assert_clean()

    def test_a_request_that_is_lost_is_made_again(self):
        self.cloud.fault("CreateCertificateFromCsr", "reset")
        self.register("sensor-1")
        self.assert_registered("sensor-1")

    def test_a_key_that_is_lost_leaves_a_certificate_that_is_named(self):
        self.cloud.fault("CreateKeysAndCertificate", "cut", when="after")
        got = self.ended(self.add("sensor-1", certificate="aws"))
        self.assertEqual((got["state"], got["error"]["code"]), ("left", "aws_outcome_unknown"), got)
        (number, _), = self.cloud.certificates().items()
        self.assertEqual(got["left"], [{"kind": "certificate", "name": number, "certain": False}])
        self.cloud.operate("DeleteCertificate", {"certificateId": number})
        self.assertEqual(self.undo(got["id"])["state"], "undone")
        self.assert_clean()

    def test_each_change_may_be_throttled_or_fail_once(self):
        for number, operation in enumerate(CHANGES):
            for do in ("throttle", "error"):
                self.cloud.fault(operation, do)
                got = self.register(f"sensor-{number}-{do}")
                self.undo(got["id"])
                self.assert_clean()

    def test_aws_lets_go_with_a_delay(self):
        self.cloud.configure(detach_delay_s=2)
        got = self.register("sensor-1")
        self.assertEqual(self.undo(got["id"])["state"], "undone")
        self.assert_clean()

    def test_each_part_of_an_undo_may_fail_once(self):
        for number, operation in enumerate(UNDOES):
            got = self.register(f"sensor-{number}")
            self.cloud.fault(operation, "error", times=4)
            self.assertEqual(self.undo(got["id"])["state"], "undone", operation)
            self.assert_clean()

    def test_what_cannot_be_taken_away_is_named(self):
        got = self.register("sensor-1")
        user = self.cloud.user(name="narrow", deny=["iot:DetachThingPrincipal"])
        self.bench.secrets.add(user["secret_access_key"])
        self.put_cloud(keys={"from": "request", "access_key_id": user["access_key_id"],
                             "secret_access_key": user["secret_access_key"]})
        left = self.undo(got["id"])
        self.assertEqual((left["state"], left["error"]["code"]), ("left", "aws_permission"), left)
        self.assertEqual({(one["kind"], one["name"], one["certain"]) for one in left["left"]},
                         {("thing", "sensor-1", True), ("certificate", got["certificate"]["id"], True)})
        self.put_cloud()
        self.assertEqual(self.undo(got["id"])["state"], "undone")
        self.assert_clean()


class Rates(RegistrationCase):
    rate_percent = "100"

    def test_a_burst_stays_within_the_accounts_rates(self):
        numbers = [self.add(f"sensor-{n}") for n in range(16)]
        for number in numbers:
            self.assertEqual(self.ended(number, seconds=90)["state"], "active")
        self.assert_registered(*(f"sensor-{n}" for n in range(16)))


class Kills(RegistrationCase):
    """The process ends while a call is under way; the cloud does it none the less, later."""

    def kill_at(self, operation, skip=0):
        self.cloud.fault(operation, "hold", skip=skip)
        mark = self.cloud.mark()
        return lambda: (self.cloud.wait_event("arrived", operation, since=mark), self.gate.kill9(), self.cloud.clear_faults())

    def test_a_registration_goes_on_after_a_kill_at_any_call(self):
        names = []
        for operation in ("DescribeEndpoint", "DescribeThing", "GetPolicy", *CHANGES):
            kill = self.kill_at(operation)
            names.append("sensor-" + operation)
            document = {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "iot:Connect", "Resource": f"arn:aws:iot:*:*:client/{operation}"}]}
            number = self.add(names[-1], policy={"document": document})
            kill()
            self.gate.start()
            self.assertEqual(self.ended(number)["state"], "active", operation)
            self.assert_registered(*names)
        for operation in ("CreateThing", "CreateCertificateFromCsr"):
            self.assertEqual(self.cloud.calls().count(operation), len(names), operation)

    def test_an_undo_goes_on_after_a_kill_at_any_call(self):
        for operation in UNDOES:
            got = self.register("sensor-" + operation)
            kill = self.kill_at(operation)
            self.gate.delete(f"/v1/registrations/{got['id']}").expect(202)
            kill()
            self.gate.start()
            self.assertEqual(self.ended(got["id"], "undone", "left")["state"], "undone", operation)
            self.assert_clean()

    def test_a_delete_turns_one_back_that_is_on_its_way(self):
        for operation in ("DescribeThing", "CreateCertificateFromCsr", "AttachPolicy"):
            hold = self.cloud.fault(operation, "hold")
            mark = self.cloud.mark()
            number = self.add("sensor-1")
            self.cloud.wait_event("arrived", operation, since=mark)
            self.gate.delete(f"/v1/registrations/{number}").expect(202)
            self.cloud.clear_faults(hold)
            self.assertEqual(self.ended(number, "undone", "left")["state"], "undone")
            self.assert_clean()
