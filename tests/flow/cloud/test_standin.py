"""The stand-in for AWS's control plane is judged by AWS's own SDK, and by requests that the SDK has signed."""
import json
import time
import unittest

import bench_pki
from aws_sdk import AwsSdk
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from standin_case import ACCOUNT, StandinCase, policy, request_for


class Sdk(StandinCase):
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

    def test_who_calls(self):
        told = self.sdk.ok("GetCallerIdentity", service="sts")
        self.assertEqual((told["Account"], told["Arn"]), ("123456789012", "arn:aws:iam::123456789012:user/bench"))

    def test_endpoints(self):
        self.assertEqual(self.sdk.ok("DescribeEndpoint", endpointType="iot:Data-ATS"), {"endpointAddress": "localhost"})
        self.assertRegex(self.sdk.ok("DescribeEndpoint")["endpointAddress"], r"^\w+\.iot\.us-east-2\.amazonaws\.com$")
        self.known("InvalidRequestException", 400, "DescribeEndpoint", endpointType="iot:No")

    def test_a_thing(self):
        made = self.sdk.ok("CreateThing", thingName="esp32:24", attributePayload={"attributes": {"mac": "24-6F"}})
        self.assertEqual(made["thingArn"], self.arn("thing/esp32:24"))
        self.assertEqual(self.sdk.ok("CreateThing", thingName="esp32:24",
                                     attributePayload={"attributes": {"mac": "24-6F"}}), made)
        error = self.known("ResourceAlreadyExistsException", 409, "CreateThing", thingName="esp32:24")
        self.assertEqual((error["resourceId"], error["resourceArn"]), ("esp32:24", made["thingArn"]))
        told = self.sdk.ok("DescribeThing", thingName="esp32:24")
        self.assertEqual((told["attributes"], told["version"], told["thingId"], told["defaultClientId"]),
                         ({"mac": "24-6F"}, 1, made["thingId"], "esp32:24"))
        self.sdk.ok("UpdateThing", thingName="esp32:24", expectedVersion=1,
                    attributePayload={"attributes": {"fw": "2.4", "mac": ""}, "merge": True})
        self.assertEqual(self.sdk.ok("DescribeThing", thingName="esp32:24")["attributes"], {"fw": "2.4"})
        self.known("VersionConflictException", 409, "UpdateThing", thingName="esp32:24", expectedVersion=1)
        self.assertEqual([t["thingName"] for t in self.sdk.ok("ListThings", attributeName="fw",
                                                              attributeValue="2.4")["things"]], ["esp32:24"])
        self.assertEqual(self.sdk.ok("ListThings", attributeName="mac")["things"], [])
        self.known("VersionConflictException", 409, "DeleteThing", thingName="esp32:24", expectedVersion=7)
        self.sdk.ok("DeleteThing", thingName="esp32:24")
        self.sdk.ok("DeleteThing", thingName="esp32:24")
        self.known("ResourceNotFoundException", 404, "DescribeThing", thingName="esp32:24")

    def test_what_a_thing_cannot_be(self):
        for name in ("white space", "ü", "x" * 129):
            self.known("InvalidRequestException", 400, "CreateThing", thingName=name)
        self.known("InvalidRequestException", 400, "CreateThing", thingName="a",
                   attributePayload={"attributes": {"a": "with space"}})
        self.known("InvalidRequestException", 400, "CreateThing", thingName="a",
                   attributePayload={"attributes": {str(n): "1" for n in range(4)}})
        self.known("ResourceNotFoundException", 404, "CreateThing", thingName="a", thingTypeName="none")
        self.sdk.ok("CreateThingType", thingTypeName="board")
        self.sdk.ok("CreateThing", thingName="a", thingTypeName="board",
                    attributePayload={"attributes": {str(n): "1" for n in range(4)}})
        self.assertEqual(self.sdk.ok("DescribeThing", thingName="a")["thingTypeName"], "board")
        self.assertEqual(self.sdk.ok("DescribeThingType", thingTypeName="board")["thingTypeName"], "board")

    def test_lists_come_in_pages(self):
        for n in range(7):
            self.cloud.operate("CreateThing", {"thingName": f"t{n}"})
        names, mark = [], None
        while True:
            got = self.sdk.ok("ListThings", maxResults=3, nextToken=mark)
            names.append([t["thingName"] for t in got["things"]])
            mark = got.get("nextToken")
            if not mark:
                break
        self.assertEqual(names, [["t0", "t1", "t2"], ["t3", "t4", "t5"], ["t6"]])
        self.known("InvalidRequestException", 400, "ListThings", maxResults=251)
        self.known("InvalidRequestException", 400, "ListThings", nextToken="nonsense")

    def test_groups(self):
        self.sdk.ok("CreateThing", thingName="a")
        group = self.sdk.ok("CreateThingGroup", thingGroupName="bench")
        self.assertEqual(group["thingGroupArn"], self.arn("thinggroup/bench"))
        self.assertEqual(self.sdk.ok("CreateThingGroup", thingGroupName="bench"), group)
        self.known("ResourceAlreadyExistsException", 409, "CreateThingGroup", thingGroupName="bench",
                   thingGroupProperties={"thingGroupDescription": "other"})
        self.sdk.ok("AddThingToThingGroup", thingName="a", thingGroupName="bench")
        self.sdk.ok("AddThingToThingGroup", thingArn=self.arn("thing/a"), thingGroupArn=group["thingGroupArn"])
        self.assertEqual(self.sdk.ok("ListThingsInThingGroup", thingGroupName="bench")["things"], ["a"])
        self.assertEqual(self.sdk.ok("ListThingGroupsForThing", thingName="a")["thingGroups"][0]["groupName"], "bench")
        self.known("ResourceNotFoundException", 404, "AddThingToThingGroup", thingName="a", thingGroupName="none")
        self.sdk.ok("RemoveThingFromThingGroup", thingName="a", thingGroupName="bench")
        self.assertEqual(self.sdk.ok("ListThingsInThingGroup", thingGroupName="bench")["things"], [])
        self.assertEqual(self.sdk.ok("DescribeThingGroup", thingGroupName="bench")["thingGroupId"],
                         group["thingGroupId"])
        self.sdk.ok("DeleteThingGroup", thingGroupName="bench")

    def test_a_certificate_for_a_request(self):
        made = self.sdk.ok("CreateCertificateFromCsr", certificateSigningRequest=self.csr)
        certificate = x509.load_pem_x509_certificate(made["certificatePem"].encode())
        self.assertEqual(certificate.public_key().public_numbers(), self.key.public_key().public_numbers())
        self.assertEqual(certificate.fingerprint(hashes.SHA256()).hex(), made["certificateId"])
        self.assertEqual(made["certificateArn"], self.arn(f"cert/{made['certificateId']}"))
        told = self.sdk.ok("DescribeCertificate", certificateId=made["certificateId"])["certificateDescription"]
        self.assertEqual((told["status"], told["certificatePem"], told["ownedBy"], told["certificateMode"]),
                         ("INACTIVE", made["certificatePem"], "123456789012", "DEFAULT"))
        self.assertTrue(told["validity"]["notAfter"].startswith("2049-12-31T23:59:59"), told["validity"])
        again = self.sdk.ok("CreateCertificateFromCsr", certificateSigningRequest=self.csr, setAsActive=True)
        self.assertNotEqual(again["certificateId"], made["certificateId"])
        listed = self.sdk.ok("ListCertificates")["certificates"]
        self.assertEqual([(c["certificateId"], c["status"]) for c in listed],
                         [(again["certificateId"], "ACTIVE"), (made["certificateId"], "INACTIVE")])
        self.assertEqual(self.sdk.ok("ListCertificates", ascendingOrder=True)["certificates"], listed[::-1])

    def test_requests_that_are_not_signed(self):
        weak = request_for(rsa.generate_private_key(65537, 1024))
        for bad in ("nonsense", weak, "x" * 5000, self.csr.replace("A", "B", 1)):
            self.known("InvalidRequestException", 400, "CreateCertificateFromCsr", certificateSigningRequest=bad)
        self.assertEqual(self.cloud.certificates(), {})

    def test_a_certificate_with_a_key(self):
        made = self.sdk.ok("CreateKeysAndCertificate", setAsActive=True)
        key = serialization.load_pem_private_key(made["keyPair"]["PrivateKey"].encode(), None)
        self.assertEqual(key.key_size, 2048)
        certificate = x509.load_pem_x509_certificate(made["certificatePem"].encode())
        self.assertEqual(certificate.public_key().public_numbers(), key.public_key().public_numbers())
        public = serialization.load_pem_public_key(made["keyPair"]["PublicKey"].encode())
        self.assertEqual(public.public_numbers(), key.public_key().public_numbers())

    def test_a_certificate_that_is_brought_along(self):
        own = bench_pki.shared().device.cert.decode()
        made = self.sdk.ok("RegisterCertificateWithoutCA", certificatePem=own, status="ACTIVE")
        told = self.sdk.ok("DescribeCertificate", certificateId=made["certificateId"])["certificateDescription"]
        self.assertEqual((told["status"], told["certificateMode"]), ("ACTIVE", "SNI_ONLY"))
        error = self.known("ResourceAlreadyExistsException", 409, "RegisterCertificateWithoutCA", certificatePem=own)
        self.assertEqual((error["resourceId"], error["resourceArn"]), (made["certificateId"], made["certificateArn"]))
        self.known("CertificateValidationException", 400, "RegisterCertificateWithoutCA", certificatePem="nonsense")
        self.known("CertificateStateException", 406, "RegisterCertificateWithoutCA", status="REVOKED",
                   certificatePem=bench_pki.shared().ec_device.cert.decode())

    def test_a_certificate_of_a_registered_authority(self):
        pki = bench_pki.shared()
        own = pki.ec_device.cert.decode()
        self.known("CertificateValidationException", 400, "RegisterCertificate", certificatePem=own)
        code = self.sdk.ok("GetRegistrationCode")["registrationCode"]
        self.assertRegex(code, "^[0-9a-f]{64}$")
        authority = pki.ca.cert.decode()
        self.known("RegistrationCodeValidationException", 400, "RegisterCACertificate", caCertificate=authority,
                   verificationCertificate=own)
        ca = self.sdk.ok("RegisterCACertificate", caCertificate=authority, setAsActive=True,
                         verificationCertificate=pki.issue(code, pki.ca).cert.decode())
        made = self.sdk.ok("RegisterCertificate", certificatePem=own, status="INACTIVE")
        told = self.sdk.ok("DescribeCertificate", certificateId=made["certificateId"])["certificateDescription"]
        self.assertEqual((told["status"], told["caCertificateId"]), ("INACTIVE", ca["certificateId"]))

    def certificate(self, **more):
        return self.sdk.ok("CreateCertificateFromCsr", certificateSigningRequest=self.csr, **more)

    def test_states_of_a_certificate(self):
        one = self.certificate()["certificateId"]
        for status in ("ACTIVE", "REVOKED", "INACTIVE", "ACTIVE"):
            self.sdk.ok("UpdateCertificate", certificateId=one, newStatus=status)
            self.assertEqual(self.cloud.certificates()[one]["status"], status)
        self.known("CertificateStateException", 406, "UpdateCertificate", certificateId=one,
                   newStatus="PENDING_ACTIVATION")
        self.known("InvalidRequestException", 400, "UpdateCertificate", certificateId=one, newStatus="NO")
        self.known("ResourceNotFoundException", 404, "UpdateCertificate", certificateId="0" * 64, newStatus="ACTIVE")
        self.known("CertificateStateException", 406, "DeleteCertificate", certificateId=one)
        self.sdk.ok("UpdateCertificate", certificateId=one, newStatus="INACTIVE")
        self.sdk.ok("DeleteCertificate", certificateId=one)
        self.known("ResourceNotFoundException", 404, "DeleteCertificate", certificateId=one)

    def test_policies_and_their_versions(self):
        first, second = (policy(("Allow", "iot:Connect", self.arn(f"client/{n}"))) for n in "ab")
        name = "a+b=c,d.e@f-g_h"
        made = self.sdk.ok("CreatePolicy", policyName=name, policyDocument=first)
        self.assertEqual((made["policyArn"], made["policyVersionId"]), (self.arn(f"policy/{name}"), "1"))
        self.known("ResourceAlreadyExistsException", 409, "CreatePolicy", policyName=name, policyDocument=first)
        got = self.sdk.ok("GetPolicy", policyName=name)
        self.assertEqual((got["policyDocument"], got["defaultVersionId"]), (first, "1"))
        version = self.sdk.ok("CreatePolicyVersion", policyName=name, policyDocument=second, setAsDefault=True)
        self.assertEqual((version["policyVersionId"], version["isDefaultVersion"]), ("2", True))
        self.assertEqual(self.sdk.ok("GetPolicy", policyName=name)["policyDocument"], second)
        for _ in range(3):
            self.sdk.ok("CreatePolicyVersion", policyName=name, policyDocument=second)
        self.known("VersionsLimitExceededException", 409, "CreatePolicyVersion", policyName=name, policyDocument=first)
        self.known("DeleteConflictException", 409, "DeletePolicy", policyName=name)
        self.known("DeleteConflictException", 409, "DeletePolicyVersion", policyName=name, policyVersionId="2")
        for version in ("1", "3", "4", "5"):
            self.sdk.ok("DeletePolicyVersion", policyName=name, policyVersionId=version)
        self.assertEqual([v["versionId"] for v in self.sdk.ok("ListPolicyVersions", policyName=name)["policyVersions"]],
                         ["2"])
        self.assertEqual([p["policyName"] for p in self.sdk.ok("ListPolicies")["policies"]], [name])
        self.sdk.ok("DeletePolicy", policyName=name)
        self.known("ResourceNotFoundException", 404, "GetPolicy", policyName=name)
        self.known("ResourceNotFoundException", 404, "DeletePolicy", policyName=name)

    def test_documents_that_are_no_policy(self):
        good = {"Effect": "Allow", "Action": "iot:Connect", "Resource": "*"}
        for bad in ("", "{}", "[]", json.dumps({"Version": "2012-10-17", "Statement": []}),
                    json.dumps({"Version": "2013-10-17", "Statement": [good]}),
                    json.dumps({"Version": "2012-10-17", "Statement": [good | {"Effect": "Maybe"}]}),
                    json.dumps({"Version": "2012-10-17", "Statement": [good | {"Action": "s3:Get"}]}),
                    json.dumps({"Version": "2012-10-17", "Statement": [good | {"Resource": "client/a"}]}),
                    json.dumps({"Version": "2012-10-17", "Statement": [good | {"Resource": ["*"] * 500}]})):
            self.known("MalformedPolicyException", 400, "CreatePolicy", policyName="p", policyDocument=bad)
        self.known("InvalidRequestException", 400, "CreatePolicy", policyName="a b", policyDocument=policy())

    def test_what_is_attached_to_what(self):
        arn = self.certificate()["certificateArn"]
        certificate_id = arn.rpartition("/")[2]
        document = policy(("Allow", "iot:Connect", "*"))
        self.sdk.ok("CreatePolicy", policyName="p", policyDocument=document)
        self.sdk.ok("CreateThing", thingName="a")
        for _ in range(2):  # attaching twice is no error
            self.sdk.ok("AttachPolicy", policyName="p", target=arn)
            self.sdk.ok("AttachThingPrincipal", thingName="a", principal=arn)
        self.assertEqual(self.sdk.ok("ListAttachedPolicies", target=arn)["policies"],
                         [{"policyName": "p", "policyArn": self.arn("policy/p")}])
        self.assertEqual(self.sdk.ok("ListTargetsForPolicy", policyName="p")["targets"], [arn])
        self.assertEqual(self.sdk.ok("ListThingPrincipals", thingName="a")["principals"], [arn])
        self.assertEqual(self.sdk.ok("ListThingPrincipalsV2", thingName="a")["thingPrincipalObjects"],
                         [{"principal": arn, "thingPrincipalType": "NON_EXCLUSIVE_THING"}])
        self.assertEqual(self.sdk.ok("ListPrincipalThings", principal=arn)["things"], ["a"])
        self.assertEqual(self.sdk.ok("GetEffectivePolicies", principal=arn)["effectivePolicies"][0]["policyDocument"],
                         document)
        self.known("InvalidRequestException", 400, "DeleteThing", thingName="a")
        self.known("DeleteConflictException", 409, "DeletePolicy", policyName="p")
        self.known("DeleteConflictException", 409, "DeleteCertificate", certificateId=certificate_id)
        self.cloud.configure(detach_delay_s=0.3)
        self.sdk.ok("DetachThingPrincipal", thingName="a", principal=arn)
        self.sdk.ok("DetachPolicy", policyName="p", target=arn)
        self.known("DeleteConflictException", 409, "DeleteCertificate", certificateId=certificate_id)
        self.until(lambda: "error" not in self.sdk.call("DeleteCertificate", certificateId=certificate_id))
        self.sdk.ok("DeletePolicy", policyName="p")
        self.sdk.ok("DeleteThing", thingName="a")
        state = self.cloud.state()
        self.assertEqual((state["things"], state["certificates"], state["policies"]), ({}, {}, {}))

    def until(self, done):
        end = time.monotonic() + 60
        while not done():
            self.assertLess(time.monotonic(), end)

    def test_a_certificate_for_one_thing_only(self):
        arn = self.certificate()["certificateArn"]
        for name in ("a", "b"):
            self.sdk.ok("CreateThing", thingName=name)
        self.sdk.ok("AttachThingPrincipal", thingName="a", principal=arn, thingPrincipalType="EXCLUSIVE_THING")
        self.known("InvalidRequestException", 400, "AttachThingPrincipal", thingName="b", principal=arn)

    def test_attaching_what_is_not_there(self):
        arn, none = self.certificate()["certificateArn"], self.arn("cert/" + "0" * 64)
        self.sdk.ok("CreatePolicy", policyName="p", policyDocument=policy(("Allow", "iot:Connect", "*")))
        self.sdk.ok("CreateThing", thingName="a")
        self.known("ResourceNotFoundException", 404, "AttachPolicy", policyName="none", target=arn)
        self.known("ResourceNotFoundException", 404, "AttachPolicy", policyName="p", target=none)
        self.known("InvalidRequestException", 400, "AttachPolicy", policyName="p", target="nonsense")
        self.known("ResourceNotFoundException", 404, "AttachThingPrincipal", thingName="none", principal=arn)
        self.known("ResourceNotFoundException", 404, "AttachThingPrincipal", thingName="a", principal=none)

    def test_limits(self):
        arn = self.certificate()["certificateArn"]
        for n in range(11):
            self.cloud.operate("CreatePolicy", {"policyName": f"p{n}"},
                               {"policyDocument": policy(("Allow", "iot:Connect", "*"))})
        for n in range(10):
            self.sdk.ok("AttachPolicy", policyName=f"p{n}", target=arn)
        self.known("LimitExceededException", 410, "AttachPolicy", policyName="p10", target=arn)
        self.cloud.configure(certificate_quota=1)
        self.refused("LimitExceededException", 410, "CreateCertificateFromCsr", certificateSigningRequest=self.csr)

    def decisions(self, arn, client_id, *infos, **more):
        got = self.sdk.ok("TestAuthorization", principal=arn, clientId=client_id, authInfos=[
            {"actionType": action, "resources": [self.arn(resource)]} for action, resource in infos], **more)
        return [r["authDecision"] for r in got["authResults"]]

    def test_what_a_certificate_may(self):
        arn = self.certificate()["certificateArn"]
        self.sdk.ok("CreatePolicy", policyName="p", policyDocument=policy(
            ("Allow", "iot:Connect", self.arn("client/${iot:Connection.Thing.ThingName}")),
            ("Allow", ["iot:Publish", "iot:Receive"], self.arn("topic/${iot:ClientId}/*")),
            ("Allow", "iot:Subscribe", self.arn("topicfilter/${iot:ClientId}/#")),
            ("Deny", "iot:Publish", self.arn("topic/*/secret"))))
        asked = [("CONNECT", "client/a"), ("PUBLISH", "topic/a/x"), ("PUBLISH", "topic/b/x"),
                 ("PUBLISH", "topic/a/secret"), ("SUBSCRIBE", "topicfilter/a/#"), ("SUBSCRIBE", "topicfilter/a/x"),
                 ("RECEIVE", "topic/a/secret")]
        self.assertEqual(self.decisions(arn, "a", *asked), ["IMPLICIT_DENY"] * 7)
        self.sdk.ok("AttachPolicy", policyName="p", target=arn)
        expected = ["IMPLICIT_DENY", "ALLOWED", "IMPLICIT_DENY", "EXPLICIT_DENY", "ALLOWED", "IMPLICIT_DENY", "ALLOWED"]
        self.assertEqual(self.decisions(arn, "a", *asked), expected)
        told = self.sdk.ok("TestAuthorization", principal=arn, clientId="a", authInfos=[
            {"actionType": "CONNECT", "resources": [self.arn("client/a")]}])["authResults"][0]
        self.assertEqual(told["missingContextValues"], ["iot:Connection.Thing.ThingName"])
        self.sdk.ok("CreateThing", thingName="a")
        self.sdk.ok("AttachThingPrincipal", thingName="a", principal=arn)
        self.assertEqual(self.decisions(arn, "a", *asked), ["ALLOWED", *expected[1:]])
        self.assertEqual(self.decisions(arn, "a", *asked, policyNamesToSkip=["p"]), ["IMPLICIT_DENY"] * 7)
        self.assertEqual(self.decisions(arn, "b", ("CONNECT", "client/b")), ["IMPLICIT_DENY"])

    def test_a_policy_of_a_group_counts(self):
        arn = self.certificate()["certificateArn"]
        self.sdk.ok("CreatePolicy", policyName="p", policyDocument=policy(("Allow", "iot:Connect", "*")))
        self.sdk.ok("CreateThing", thingName="a")
        self.sdk.ok("CreateThingGroup", thingGroupName="above")
        below = self.sdk.ok("CreateThingGroup", thingGroupName="below", parentGroupName="above")["thingGroupArn"]
        self.sdk.ok("AttachPolicy", policyName="p", target=self.arn("thinggroup/above"))
        self.sdk.ok("AddThingToThingGroup", thingName="a", thingGroupName="below")
        self.sdk.ok("AttachThingPrincipal", thingName="a", principal=arn)
        self.assertEqual(self.decisions(arn, "a", ("CONNECT", "client/a")), ["ALLOWED"])
        self.assertEqual(self.sdk.ok("ListAttachedPolicies", target=below)["policies"], [])

    def test_a_registration_by_template(self):
        template = {"Parameters": {"ThingName": {"Type": "String"}, "CSR": {"Type": "String"}}, "Resources": {
            "thing": {"Type": "AWS::IoT::Thing", "Properties": {
                "ThingName": {"Fn::Join": ["-", ["esp32", {"Ref": "ThingName"}]]}, "AttributePayload": {"a": "b"}}},
            "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {
                "CertificateSigningRequest": {"Ref": "CSR"}, "Status": "ACTIVE"}},
            "policy": {"Type": "AWS::IoT::Policy", "Properties": {
                "PolicyDocument": policy(("Allow", "iot:Connect", "*"))}}}}
        made = self.sdk.ok("RegisterThing", templateBody=json.dumps(template),
                           parameters={"ThingName": "1", "CSR": self.csr})
        arns = made["resourceArns"]
        self.assertEqual(arns["thing"], self.arn("thing/esp32-1"))
        one = self.cloud.certificates()[arns["certificate"].rpartition("/")[2]]
        self.assertEqual((one["status"], one["things"], one["policies"]),
                         ("ACTIVE", ["esp32-1"], [arns["policy"].rpartition("/")[2]]))
        self.known("InvalidRequestException", 400, "RegisterThing", templateBody=json.dumps(template))
        self.known("InvalidRequestException", 400, "RegisterThing", templateBody="nonsense")

    def test_provisioning_by_claim(self):
        body = {"Parameters": {"AWS::IoT::Certificate::Id": {"Type": "String"}, "Serial": {"Type": "String"}},
                "Resources": {"thing": {"Type": "AWS::IoT::Thing", "Properties": {
                    "ThingName": {"Fn::Sub": "esp32-${Serial}"}}},
                    "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {
                        "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"}}}}
        self.sdk.ok("CreateProvisioningTemplate", templateName="fleet", templateBody=json.dumps(body), enabled=True,
                    provisioningRoleArn="arn:aws:iam::123456789012:role/fleet")
        self.assertEqual(self.sdk.ok("DescribeProvisioningTemplate", templateName="fleet")["enabled"], True)
        self.assertEqual(len(self.sdk.ok("ListProvisioningTemplates")["templates"]), 1)
        self.known("ResourceNotFoundException", 404, "CreateProvisioningClaim", templateName="none")
        claim = self.sdk.ok("CreateProvisioningClaim", templateName="fleet")
        self.assertEqual(self.cloud.certificates(), {})
        ask = {"certificate_id": claim["certificateId"], "client_id": "x"}
        may = {resource: self.cloud.authorize(action=action, resource=resource, **ask)["allowed"]
               for action, resource in (("iot:Connect", "client/x"), ("iot:Publish", "topic/other"),
                                        ("iot:Publish", "topic/$aws/certificates/create-from-csr/json"),
                                        ("iot:Publish", "topic/$aws/provisioning-templates/other/provision/json"))}
        self.assertEqual(list(may.values()), [True, False, True, False], may)

        def say(topic, message):
            return self.cloud.call("POST", "/fleet", {"topic": topic, "payload": message})
        topic = "$aws/certificates/create-from-csr/json"
        made = say(topic, json.dumps({"certificateSigningRequest": self.csr}))
        self.assertEqual(made["topic"], topic + "/accepted")
        one = made["payload"]
        self.assertEqual(self.cloud.certificates()[one["certificateId"]]["status"], "PENDING_ACTIVATION")
        self.assertEqual(say(topic, "no")["payload"], {"statusCode": 400, "errorCode": "InvalidPayload",
                                                       "errorMessage": "The message is no JSON object."})
        topic = "$aws/provisioning-templates/fleet/provision/json"
        order = {"certificateOwnershipToken": one["certificateOwnershipToken"], "parameters": {"Serial": "7"}}
        self.assertEqual(say(topic, json.dumps(order)), {"topic": topic + "/accepted", "payload": {
            "deviceConfiguration": {}, "thingName": "esp32-7"}})
        self.assertEqual(say(topic, json.dumps(order))["payload"]["errorCode"], "InvalidCertificateOwnershipToken")
        told = self.cloud.certificates()[one["certificateId"]]
        self.assertEqual((told["status"], told["things"]), ("ACTIVE", ["esp32-7"]))
        self.cloud.clock(301)
        self.assertFalse(self.cloud.authorize(action="iot:Connect", resource="client/x", **ask)["allowed"])

    def test_an_unclaimed_certificate_goes_within_an_hour(self):
        made = self.cloud.call("POST", "/fleet", {"topic": "$aws/certificates/create/json", "payload": ""})["payload"]
        self.assertIn("PRIVATE KEY", made["privateKey"])
        self.assertEqual(list(self.cloud.certificates()), [made["certificateId"]])
        self.cloud.clock(3601)
        self.assertEqual(self.cloud.certificates(), {})

    def test_a_signed_message(self):
        self.sdk.ok("Publish", service="data", topic="sdk/test/Python", qos=1, payload="hello")
        self.assertEqual(self.cloud.state()["published"],
                         [{"topic": "sdk/test/Python", "qos": 1, "retain": False, "payload": "aGVsbG8="}])
        self.refused("InvalidRequestException", 400, "Publish", service="data", topic="a/#")


if __name__ == "__main__":
    unittest.main()
