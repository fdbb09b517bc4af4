"""AWS's SDK for JavaScript in a process of its own, see aws_sdk.mjs.

    sdk = AwsSdk(cloud)
    sdk.ok("CreateThing", thingName="x")["thingArn"]
    sdk.fails("DescribeThing", thingName="y")["name"]
"""
import copy
import json
import os

import npm
from child import Child


def credentials(user):
    return {"accessKeyId": user["access_key_id"], "secretAccessKey": user["secret_access_key"],
            "sessionToken": user.get("session_token")}


class AwsSdk:
    """user: keys as Standin.user() gives them; None = the stand-in's own. config: the SDK's, beside."""

    def __init__(self, cloud, user=None, **config):
        npm.install()
        user = user or {"access_key_id": cloud.access_key_id, "secret_access_key": cloud.secret_access_key}
        self.config = {"region": cloud.region, "credentials": credentials(user), **config}
        configs = {"iot": {"endpoint": cloud.control}, "sts": {"endpoint": cloud.control},
                   "data": {"endpoint": f"https://localhost:{cloud.https_port}"}}
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "aws_sdk.mjs")
        self.child = Child("sdk", ["node", "--no-warnings", script, "--modules", npm.FOLDER, json.dumps(configs)],
                           {"NODE_EXTRA_CA_CERTS": cloud.ca, "AWS_EC2_METADATA_DISABLED": "true"}, obeys=True)

    def another(self, user=None, **config):
        """A client of another configuration in the same process, since one takes long to start."""
        other = copy.copy(self)
        other.config = {**self.config, **({"credentials": credentials(user)} if user else {}), **config}
        return other

    def call(self, command, service="iot", **members):
        mark = self.child.mark()
        self.child.tell(json.dumps({"service": service, "command": command, "input": members, "config": self.config}))
        return json.loads(self.child.wait_line(r"^\{.*\}$", since=mark)[0])

    def ok(self, command, **more):
        answer = self.call(command, **more)
        if "error" in answer:
            raise AssertionError(f"{command}: {answer['error']}")
        return answer["output"]

    def fails(self, command, **more):
        """The error; it is one that the SDK has a class for."""
        answer = self.call(command, **more)
        if "error" not in answer:
            raise AssertionError(f"{command} went well: {answer['output']}")
        return answer["error"]

    def stop(self):
        self.child.process.stdin.close()
        self.child.wait()
