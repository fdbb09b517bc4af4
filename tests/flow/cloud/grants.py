"""Certificates and policies of an account, made past espgate."""
import json

THING = "${iot:Connection.Thing.ThingName}"
OPEN = {"Connect": "client/*", "Publish": "topic/*", "Receive": "topic/*", "Subscribe": "topicfilter/*"}


class Grants:
    """For a test case that has a Standin as .cloud."""

    def policy(self, name="all", **resources):
        """A new one that allows everything, but for the resources that are given by action. Its name."""
        statements = [{"Effect": "Allow", "Action": f"iot:{action}",
                       "Resource": f"arn:aws:iot:{self.cloud.region}:{self.cloud.account}:{resource}"}
                      for action, resource in {**OPEN, **resources}.items() if resource]
        self.cloud.operate("CreatePolicy", {"policyName": name},
                           {"policyDocument": json.dumps({"Version": "2012-10-17", "Statement": statements})})
        return name

    def certificate(self, policy=None, thing=None, active=True):
        """A new one: (ARN, PEM, key)."""
        made = self.cloud.operate("CreateKeysAndCertificate", query={"setAsActive": json.dumps(active)})
        self.attach(made["certificateArn"], policy, thing)
        return made["certificateArn"], made["certificatePem"], made["keyPair"]["PrivateKey"]

    def attach(self, arn, policy=None, thing=None):
        if policy:
            self.cloud.operate("AttachPolicy", {"policyName": policy}, {"target": arn})
        if thing:
            self.cloud.operate("CreateThing", {"thingName": thing}, {})
            self.cloud.operate("AttachThingPrincipal", {"thingName": thing}, headers={"x-amzn-principal": arn})

    def template(self, name, policy, enabled=True):
        """Of fleet provisioning: a thing unit-{Serial} and its certificate, ACTIVE and with this policy."""
        body = {"Parameters": {"Serial": {"Type": "String"}, "AWS::IoT::Certificate::Id": {"Type": "String"}},
                "DeviceConfiguration": {"site": "bench"},
                "Resources": {
                    "thing": {"Type": "AWS::IoT::Thing", "Properties": {
                        "ThingName": {"Fn::Join": ["-", ["unit", {"Ref": "Serial"}]]}}},
                    "certificate": {"Type": "AWS::IoT::Certificate", "Properties": {
                        "CertificateId": {"Ref": "AWS::IoT::Certificate::Id"}, "Status": "Active"}},
                    "policy": {"Type": "AWS::IoT::Policy", "Properties": {"PolicyName": policy}}}}
        self.cloud.operate("CreateProvisioningTemplate", {},
                           {"templateName": name, "templateBody": json.dumps(body), "enabled": enabled,
                            "provisioningRoleArn": f"arn:aws:iam::{self.cloud.account}:role/fleet"})
