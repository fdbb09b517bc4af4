"""A broker on loopback that refuses as AWS IoT Core does: it cuts the connection without a word.

    broker = AwsBroker(folder, pki, policy=allow(client="sdk-java", topic="sdk/test/Python"))
    broker.wait("refused subscribe sdk-java other/topic")
"""
import json
import os
import re

import npm
from child import Child

ARN = "arn:aws:iot:us-east-2:123456789012:"


def allow(client="*", topic="*", subscribe=None, publish=None, receive=None):
    """A policy document, as AWS's guide has them: which client id may connect, and its topics, by `*` and `?`. An
    action of its own, or "" for none."""
    def statement(actions, resource):
        return {"Effect": "Allow", "Action": actions, "Resource": ARN + resource}
    grants = [("iot:Connect", "client/", client),
              ("iot:Subscribe", "topicfilter/", topic if subscribe is None else subscribe),
              ("iot:Publish", "topic/", topic if publish is None else publish),
              ("iot:Receive", "topic/", topic if receive is None else receive)]
    return {"Version": "2012-10-17",
            "Statement": [statement(action, kind + name) for action, kind, name in grants if name]}


class AwsBroker:
    """.port demands a client certificate of the pki's CA; .alpn_port the ALPN name x-amzn-mqtt-ca, too. What it says,
    and what it can be told, is in aws_broker.mjs. cloud: a Standin, which is asked for every decision instead; any
    certificate is let in, and judged there."""

    def __init__(self, folder, pki=None, server=None, policy=None, cloud=None):
        npm.install()
        if cloud:
            options = ["--control", cloud.admin]
            servers = [(server.cert_path, server.key_path)] if server else cloud.servers
        else:
            server = server or pki.broker
            servers = [(server.cert_path, server.key_path)]
            path = os.path.join(folder, "policy.json")
            with open(path, "w", encoding="ascii") as f:
                json.dump(policy or allow(), f)
            options = ["--ca", pki.ca.cert_path, "--policy", path]
        for cert, key in servers:
            options += ["--cert", cert, "--key", key]
        script = os.path.join(npm.FLOW, "aws_broker.mjs")
        self.child = Child("aws", ["node", "--no-warnings", script, "--modules", npm.FOLDER, *options], obeys=True)
        ports = self.child.wait_line(r"^listening (\d+) (\d+)$")
        self.port, self.alpn_port = int(ports[1]), int(ports[2])

    def tell(self, line):
        """What it is to do, once."""
        self.child.tell(line)

    def wait(self, line, since=0):
        """Until it has said this line."""
        self.child.wait_line(f"^{re.escape(line)}$", since=since)

    def stop(self):
        self.child.stop()
