"""Set-ups of a bench, right and wrong ones, and what a check has to say about each."""
import collections
import os
import time

from console import Console
from harness import SSID
from many_servers import FREE, MUTE, SILENT, UNHEARD, Twin


# ---- what lies on the board: done to it by hand, before espgate meets it ----

def lay(console, lab, ca=None, cert=None, key=None):
    pki = lab.pki
    console.put("ca", (ca or pki.ca).cert)
    console.put("cert", (cert or pki.device).cert)
    console.put("key", (key or cert or pki.device).key)


def usual(console, lab):
    lay(console, lab)


def other_ca(console, lab):
    lay(console, lab, ca=lab.pki.other_ca)


def other_device(console, lab):
    lay(console, lab, cert=lab.pki.other_device)


def other_key(console, lab):
    lay(console, lab, key=lab.pki.other_device)


def cut_certificate(console, lab):
    lay(console, lab)
    console.put("cert", lab.pki.device.cert, cut=0.6)


def garbage_key(console, lab):
    lay(console, lab)
    console.put("key", os.urandom(1200))


def no_key(console, lab):
    lay(console, lab)
    console.erase("key")


def erased(console, _lab):
    for part in ("ca", "cert", "key"):
        console.erase(part)


def stock(_console, _lab):
    """As it came from the factory."""


NAMELESS = {"ESPBOARD_RESOLVE": "nobody"}

# What: as told in the table. expect: "side/code step", and "|" between steps that take turns; words: in the verdict's detail or fix. order: fields of the job;
# "server" names the port of one of the lab's, "credential" is called with the lab, None leaves it out; {n} is a number
# of its own. lies: done to the board; None: the job provisions it. options, env: the board's. target: a job writes the
# credential there. warns: codes, all of them. twin: the client id of another client. slow: it goes first.
Setup = collections.namedtuple("Setup", "what expect words order lies options env target warns twin slow",
                               defaults=("", {}, usual, {}, {}, None, (), None, False))


def at(server, **mqtt):
    return {"mqtt": {"server": server, **mqtt}}


def aws(topic=FREE, client="lab-{{mac}}", port="aws", **more):
    return at(port, topic=topic, client_id=client, **more)


def of(name, root=None):
    """A credential of the pki's."""
    return lambda lab: lab.credential(getattr(lab.pki, name), root and root(lab))


RIGHT = (
    Setup("TLS with certificates of both sides", "none/works done", lies=None),
    Setup("plain MQTT", "none/works done", order={"credential": None, **at("plain", scheme=1)}),
    Setup("the broker like AWS IoT Core, by ALPN", "none/works done",
          order=aws(port="aws by ALPN", alpn="x-amzn-mqtt-ca"), lies=None),
    Setup("TLS without a client certificate", "none/works done", order=at("without client certificates", scheme=3)),
    Setup("a user name and its password", "none/works done", order=at("password", username="lab", password="right")),
    Setup("espgate does not reach the broker, the board does", "none/works done",
          order=at("usual", host="broker.invalid"), warns=("host_cannot_reach",)),
    Setup("an elliptic key", "none/works done", order={"credential": of("ec_device")}, lies=None),
)

WRONG = (
    # Wi-Fi
    Setup("wrong Wi-Fi password", "wifi/wifi_wrong_password wifi", "password", {"wifi": {"password": "not-this-one"}}),
    Setup("no such access point", "wifi/wifi_not_found wifi", "elsewhere", {"wifi": {"ssid": "elsewhere"}}),
    Setup("password for an open access point", "wifi/wifi_not_found wifi", "asks for a password",
          options={"wifi": [SSID]}),
    Setup("no password for a closed access point", "wifi/wifi_wrong_password wifi", "none was given",
          {"wifi": {"password": ""}}),
    # clock
    Setup("time server does not answer", "clock/time_not_synced time", "UDP", env="silent", slow=True),
    Setup("time server's name is unknown", "clock/time_server_unknown time", "clock.invalid",
          {"time": {"server": "clock.invalid"}}, env=NAMELESS, slow=True),
    Setup("time server is 400 days behind", "clock/clock_wrong tls", "400 days behind", env="behind"),
    Setup("time server is 400 days ahead", "clock/clock_wrong tls", "400 days ahead", env="ahead"),
    # network
    Setup("broker's name does not exist", "network/host_unknown network", "broker.invalid",
          {"mqtt": {"host": "broker.invalid"}}, env=NAMELESS),
    Setup("broker's name is unknown in the board's network", "network/board_dns_failed network", "name server",
          env=NAMELESS),
    Setup("broker's port is closed", "network/port_closed network", "start the broker", at("closed")),
    Setup("broker's port is filtered", "network/no_answer network", "firewall", at("deaf"), slow=True),
    # another server
    Setup("server that closes at once", "broker/broker_not_tls tls", "TLS port", at("hang up")),
    Setup("server that closes at CONNECT, plain", "broker/broker_hangs_up connect", "its log",
          at("hang up at CONNECT", scheme=1)),
    Setup("server that says nothing", "broker/broker_silent tls", "MQTT broker listens", at("silent"), slow=True),
    Setup("server that says nothing to CONNECT", "broker/broker_silent connect", "MQTT broker listens",
          at("silent behind TLS"), slow=True),
    Setup("web server, plain", "broker/broker_not_mqtt connect", "host and port", at("web", scheme=1)),
    Setup("web server, TLS", "broker/broker_not_mqtt connect", "host and port", at("web behind TLS")),
    Setup("plain port, scheme 5", "broker/broker_not_tls tls", "scheme 1", at("plain")),
    Setup("TLS port, scheme 1", "broker/broker_needs_tls connect", "scheme 5", at("usual", scheme=1)),
    Setup("broker of TLS 1.3 only", "broker/broker_tls_version tls", "Allow TLS 1.2", at("TLS 1.3")),
    Setup("broker of another MQTT version (CONNACK 1)", "broker/broker_mqtt_version connect", "3.1.1", at("CONNACK 1")),
    Setup("broker not available (CONNACK 3)", "broker/broker_unavailable connect", "later", at("CONNACK 3")),
    Setup("broker that wants another ALPN name", "broker/broker_alpn tls", "x-amzn-mqtt-ca",
          aws(port="aws by ALPN")),
    # the broker's certificate and name
    Setup("broker's certificate expired", "broker_certificate/broker_certificate_expired tls", "Renew", at("expired")),
    Setup("broker's certificate not yet valid", "broker_certificate/broker_certificate_not_yet_valid tls", "valid now",
          at("early")),
    Setup("broker's certificate signed by itself", "broker_certificate/broker_certificate_untrusted tls", "root CA",
          at("self-signed")),
    Setup("broker's certificate for another name", "none/works done", order=at("elsewhere"),
          warns=("broker_name_differs",)),
    Setup("server that does not have the name", "broker_name/broker_name_refused tls", "sni", at("one name only")),
    # the credential itself
    Setup("root CA of another broker", "credential/root_ca_wrong tls", "Use the root CA that signed",
          {"credential": of("device", root=lambda lab: lab.pki.other_ca)}, None),
    Setup("broker does not send its intermediate CA", "credential/root_ca_wrong tls", "intermediate",
          at("half a chain")),
    Setup("root CA expired", "credential/root_ca_expired tls", "valid now",
          {"credential": of("device", root=lambda lab: lab.old_root), **at("expired root")}, None),
    Setup("device's certificate expired", "credential/certificate_expired tls", "new certificate",
          {"credential": of("expired_device")}, None),
    Setup("device's certificate not yet valid", "credential/certificate_not_yet_valid tls", "valid now",
          {"credential": of("early_device")}, None),
    Setup("device's certificate of another CA", "credential/certificate_refused tls", "CA that the broker trusts",
          {"credential": of("foreign_device")}, None),
    Setup("elliptic key, ESP-AT 3.2", "credential/key_type_unsupported tls", "RSA",
          {"credential": of("ec_device")}, None, {"chip": "esp32c3", "firmware": "3.2"}),
    # what lies on the board
    Setup("another root CA on the board", "board_credential/credential_differs tls", "root CA", lies=other_ca),
    Setup("another device's credential on the board, the broker takes it", "none/works done", lies=other_device,
          warns=("credential_differs",)),
    Setup("the factory's credential on the board", "board_credential/credential_differs tls", "Write", lies=stock),
    Setup("another device's key on the board", "board_credential/board_key_mismatch tls", "together", lies=other_key),
    Setup("another device's key on the board, nobody says which credential",
          "board_credential/board_key_mismatch tls", "together", {"credential": None}, other_key),
    Setup("another root CA on the board, nobody says which credential",
          "board_credential/board_root_ca_wrong tls", "signed the broker's", {"credential": None}, other_ca),
    Setup("certificate on the board cut off", "board_credential/credential_damaged tls", "certificate",
          lies=cut_certificate),
    Setup("garbage as the key on the board", "board_credential/credential_damaged tls", "private key",
          lies=garbage_key),
    Setup("no key on the board", "board_credential/credential_missing tls", "private key", lies=no_key),
    Setup("erased credential", "board_credential/credential_missing tls", "Write", lies=erased),
    Setup("written for \"client\" instead of \"mqtt\"", "board_credential/credential_elsewhere tls", "client",
          lies=erased, target={"kind": "client", "index": 0}),
    # policy, client id, login
    Setup("policy forbids the client id", "policy/connect_denied connect", "iot:Connect", aws(client="other-{{mac}}")),
    Setup("policy forbids to subscribe", "policy/subscribe_denied subscribe", "topicfilter/unheard/a", aws(UNHEARD)),
    Setup("policy forbids to publish", "policy/publish_denied publish", "topic/silent/a", aws(SILENT, qos=1)),
    Setup("policy forbids to receive", "policy/not_delivered received", "iot:Receive", aws(MUTE), slow=True),
    Setup("subscription refused (SUBACK 0x80)", "policy/subscribe_denied received", "access rules", at("SUBACK 0x80")),
    Setup("subscription never answered", "policy/subscribe_denied subscribe", "access rules", at("no SUBACK"),
          slow=True),
    Setup("another client with the same id", "client_id/client_id_in_use subscribe|publish", "of its own",
          aws(client="lab-twin-{n}", port="aws, far away"), twin="lab-twin-{n}"),
    Setup("client id refused (CONNACK 2)", "client_id/client_id_rejected connect", "client id", at("CONNACK 2")),
    Setup("wrong user name or password (CONNACK 4)", "login/login_refused connect", "password", at("CONNACK 4")),
    Setup("wrong MQTT password (CONNACK 5)", "login/not_authorized connect", "password",
          at("password", username="lab", password="wrong")),
    Setup("no client certificate (scheme 3)", "login/certificate_required tls", "scheme 5", at("usual", scheme=3)),
    Setup("no client certificate, nobody says which credential", "login/certificate_required tls", "scheme 5",
          {"credential": None, **at("usual", scheme=3)}),
    # a broker that only the board reaches: there is no name for it here
    Setup("time server is 400 days behind, espgate does not reach the broker", "clock/clock_wrong tls", "400 days",
          at("usual", host="broker.invalid"), env="behind", warns=("host_cannot_reach",)),
    Setup("device's certificate expired, espgate does not reach the broker", "credential/certificate_expired tls",
          "new certificate", {"credential": of("expired_device"), **at("usual", host="broker.invalid")}, None,
          warns=("host_cannot_reach",)),
)


class Run:
    """A set-up on a board of its own."""

    def __init__(self, lab, setup, number, options, download):
        self.lab, self.setup, self.number, self.download = lab, setup, number, download
        self.options = {**options, **setup.options}
        self.name = f"{setup.what} [{self.options['firmware']}, {'both ports' if download else 'AT port'}]"
        self.job = self.board = None
        self.seconds = 0.0

    def order(self):
        def fill(value):
            if isinstance(value, dict):
                return {name: fill(one) for name, one in value.items()}
            return value.format(n=self.number) if isinstance(value, str) else value
        order = {"credential": of("device"), **fill(self.setup.order)}
        if callable(order["credential"]):
            order["credential"] = order["credential"](self.lab)
        mqtt = dict(order.get("mqtt", {}))
        if "server" in mqtt:
            mqtt["port"] = self.lab.ports[mqtt.pop("server")]
        return {**order, "mqtt": mqtt}

    def start(self):
        env = self.setup.env
        self.board = self.lab.board(self.options, self.lab.clocks[env] if isinstance(env, str) else env)
        if self.setup.lies:
            with Console(self.board) as console:
                console.wake()
                self.setup.lies(console, self.lab)
        slot = {"at_port": self.board.at, **({"download_port": self.board.download} if self.download else {})}
        self.lab.bench.gate.put(f"/v1/slots/{self.board.name}", slot).expect(201)

    def do(self, kind, **order):
        gate = self.lab.bench.gate
        return gate.wait_job(gate.create_job(self.lab.bench.command(kind, self.board.name, **order)))

    def __call__(self):
        began, twin = time.monotonic(), None
        try:
            self.start()
            order = self.order()
            if self.setup.target:
                self.do("write", credential=order["credential"], target=self.setup.target)
            if self.setup.twin:
                twin = Twin(self.lab.pki, self.lab.ports["aws"], self.setup.twin.format(n=self.number))
            self.job = self.do("check" if self.setup.lies else "provision", **order)
        finally:
            if twin:
                twin.stop()
            if self.board:
                self.board.stop()
            self.seconds = time.monotonic() - began
        return self

    @property
    def verdict(self):
        return (self.job["result"] or {}).get("verdict") or {}
