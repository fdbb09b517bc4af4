"""A stand-in for AWS IoT Core's control plane, for tests: an account in memory behind HTTPS on loopback.

    /usr/bin/python3 tests/cloud/standin.py --dir FOLDER

It prints one line, `listening {…}`, whose JSON tells where it is and what is needed to call it:
  control              URL of the control plane, and of STS
  ca                   path of whom to trust: two roots, for RSA and for ECDSA
  region, account, access_key_id, secret_access_key
  admin                URL of what tests ask and tell it, see admin.py
  endpoint             the data endpoint's name, as DescribeEndpoint tells it
  https_publish_port   messages by a device's certificate, as AWS's port 8443
  https_port           messages that are signed, or by certificate with ALPN, as AWS's port 443
  credential_endpoint  host and port of the credential provider
  device_ca            path of the authority that issues devices' certificates
  servers              paths of [certificate, key] for a broker, RSA and ECDSA
It runs until SIGTERM.
"""
import argparse
import json
import os
import signal
import sys

from account import Account
from admin import Admin
from authority import World
from control import Control
from data import CredentialProvider, Publish
from faults import Faults
from iam import Users
from rates import Rates
from server import Listener, tls_context


def arguments():
    parser = argparse.ArgumentParser(description="A stand-in for AWS IoT Core's control plane.")
    parser.add_argument("--dir", required=True, help="folder for its certificates")
    parser.add_argument("--region", default="us-east-2")
    parser.add_argument("--account", default="123456789012")
    parser.add_argument("--endpoint", default="localhost", help="name of the data endpoint")
    parser.add_argument("--rtt", type=float, default=0, metavar="MS", help="how far away it seems")
    parser.add_argument("--rate-percent", type=float, default=100, help="of AWS's default rates; 0: no limits")
    return parser.parse_args()


def listen(args, world, account, control):
    """By name. Certificates of the account are taken by TLS as they come: those of its authority are not all."""
    serve = {"control": control.serve, "publish": Publish(account, control).serve,
             "publish_443": Publish(account, control, signed=True).serve,
             "credentials": CredentialProvider(account, control.users).serve}
    found = {}
    for name, answer in serve.items():
        devices = name != "control"
        context = tls_context(world.servers, world.device_ca if devices else None,
                              ["x-amzn-http-ca"] if name == "publish_443" else None)
        if devices:
            account.trusting.append(context)
        found[name] = Listener(name, answer, context, args.rtt / 1000, control.counters).start()
    return found


def main():
    args = arguments()
    os.makedirs(args.dir, exist_ok=True)
    world = World(args.dir, ["localhost", "127.0.0.1", "::1"])
    account = Account(args.region, args.account, world, args.endpoint)
    users = Users(account)
    user = users.add("bench")
    control = Control(account, users, Rates(args.rate_percent), Faults())
    listeners = listen(args, world, account, control)
    admin = Listener("admin", Admin(control, list(listeners.values())).serve).start()
    ports = {name: listener.port for name, listener in listeners.items()}
    told = {"control": f"https://localhost:{ports['control']}", "ca": world.ca, "region": args.region,
            "account": args.account, "access_key_id": user.access_key_id, "secret_access_key": user.secret,
            "admin": f"http://127.0.0.1:{admin.port}", "device_ca": world.device_ca, "servers": world.servers,
            "endpoint": args.endpoint, "https_publish_port": ports["publish"], "https_port": ports["publish_443"],
            "credential_endpoint": f"localhost:{ports['credentials']}"}
    print("listening", json.dumps(told), flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    sys.stdout.flush()
    os._exit(0)  # its threads wait for callers


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
