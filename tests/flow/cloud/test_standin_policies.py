"""The stand-in for AWS's control plane is judged by AWS's own SDK: policies, what they allow, and provisioning by
templates."""
import json
import time
import unittest

from child import PATIENCE
from standin_case import SdkCase, policy


class Sdk(SdkCase):
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
        end = time.monotonic() + PATIENCE
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
        self.assertEqual(say(topic.replace("fleet", "other"), "{}")["payload"]["statusCode"], 404)
        self.assertEqual(say("$aws/other", ""), {"topic": None, "payload": None})
        self.cloud.fault("FleetRegisterThing", "mute")
        self.assertEqual(say(topic, json.dumps(order)), {"topic": None, "payload": None})
        self.cloud.fault("FleetRegisterThing", "throttle", status=429)
        self.assertEqual(say(topic, json.dumps(order))["payload"]["errorCode"], "Throttling")
        told = self.cloud.certificates()[one["certificateId"]]
        self.assertEqual((told["status"], told["things"]), ("ACTIVE", ["esp32-7"]))
        self.cloud.clock(301)
        self.assertFalse(self.cloud.authorize(action="iot:Connect", resource="client/x", **ask)["allowed"])

    def test_templates_and_aliases_of_roles(self):
        body = json.dumps({"Resources": {"thing": {"Type": "AWS::IoT::Thing", "Properties": {"ThingName": "x"}}}})
        order = {"templateName": "t", "templateBody": body, "provisioningRoleArn": "arn:aws:iam::123456789012:role/r"}
        self.sdk.ok("CreateProvisioningTemplate", **order)
        self.known("ResourceAlreadyExistsException", 409, "CreateProvisioningTemplate", **order)
        self.sdk.ok("DeleteProvisioningTemplate", templateName="t")
        self.known("ResourceNotFoundException", 404, "DescribeProvisioningTemplate", templateName="t")
        alias = {"roleAlias": "bench", "roleArn": "arn:aws:iam::123456789012:role/r"}
        self.assertEqual(self.sdk.ok("CreateRoleAlias", **alias)["roleAliasArn"], self.arn("rolealias/bench"))
        self.known("ResourceAlreadyExistsException", 409, "CreateRoleAlias", **alias)
        self.known("InvalidRequestException", 400, "CreateRoleAlias", credentialDurationSeconds=1, **alias | {
            "roleAlias": "short"})

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
