"""Fleet provisioning: what is answered to messages on its reserved topics. Whether a client may publish and subscribe
there is for its broker to ask."""
import json
import re
import secrets

import authority
import certificates
import templates
from wire import Refusal

CERTIFICATES = "$aws/certificates/create"
NOTHING = {"topic": None, "payload": None}


class Mute(Exception):
    """A fault: there is no answer."""


def operation_of(topic):
    """The name of what a message there asks for, for faults, rates and the journal; None: nothing."""
    if topic == f"{CERTIFICATES}-from-csr/json":
        return "FleetCreateCertificateFromCsr"
    if topic == f"{CERTIFICATES}/json":
        return "FleetCreateKeysAndCertificate"
    return "FleetRegisterThing" if re.fullmatch(r"\$aws/provisioning-templates/[^/]+/provision/json", topic) else None


class Fleet:
    def __init__(self, control):
        self.control, self.account = control, control.account
        self.serve = {"FleetCreateCertificateFromCsr": self._for_request, "FleetCreateKeysAndCertificate": self._with_key,
                      "FleetRegisterThing": self._register}

    def answer(self, topic, payload):
        """{"topic","payload"} of the answer, or NOTHING."""
        control, name = self.control, operation_of(topic)
        if name is None:
            return NOTHING
        call = control.journal.arrived(operation=name, path=topic)
        fault = control.faults.find(name, topic)
        status, error = 200, ""
        try:
            self._meet(fault, after=False)
            if not control.rates.take(name):
                raise Refusal("ThrottlingException", 429, "Rate exceeded")
            told = self.serve[name](topic, self._parse(payload))
            control.journal.done(call, name, told)
            self._meet(fault, after=True)
            answer = {"topic": f"{topic}/accepted", "payload": told}
        except Refusal as refusal:
            status, error = refusal.status, refusal.name
            answer = {"topic": f"{topic}/rejected", "payload": {
                "statusCode": status, "errorCode": error.removesuffix("Exception"), "errorMessage": refusal.message}}
        except Mute:
            status, error, answer = 0, "mute", NOTHING
        control.journal.add(call=call, event="answered", operation=name, status=status, error=error, done=not error)
        return answer

    def _meet(self, fault, after):
        if fault is None or fault.after != after:
            return
        self.control.wait(fault)
        if fault.do == "mute":
            raise Mute
        if fault.do in ("throttle", "error"):
            raise fault.refusal()

    @staticmethod
    def _parse(payload):
        try:
            body = json.loads(payload or "{}")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refusal("InvalidPayload", 400, "The message is no JSON object.")
        return body

    def _issue(self, public_key, subject):
        account = self.account
        with account.lock:
            one = account.add_certificate(account.world.devices.issue(public_key, subject), "PENDING_ACTIVATION")
            one.unclaimed = secrets.token_urlsafe(300)
            account.ownership_tokens.append(one.unclaimed)
            return {"certificateId": one.id, "certificatePem": one.pem, "certificateOwnershipToken": one.unclaimed}

    def _for_request(self, _topic, body):
        request = certificates.read_request(str(body.get("certificateSigningRequest", "")))
        return self._issue(request.public_key(), request.subject)

    def _with_key(self, _topic, _body):
        key = authority.rsa_key()
        return self._issue(key.public_key(), authority.name("AWS IoT Certificate")) | {
            "privateKey": authority.key_pem(key)}

    def _register(self, topic, body):
        account = self.account
        with account.lock:
            account.tick()
            template = account.templates.get(topic.split("/")[2])
            if template is None or not template["enabled"]:
                raise Refusal("ResourceNotFoundException", 404, "The provisioning template is not there, or not enabled.")
            token = body.get("certificateOwnershipToken")
            one = next((c for c in account.certificates.values() if token and c.unclaimed == token), None)
            if one is None:
                raise Refusal("InvalidCertificateOwnershipToken", 400, "The certificate ownership token is not valid.")
            made = templates.provision(account, template["body"], body.get("parameters") or {}, owned=one.id)
            return {"deviceConfiguration": template["body"].get("DeviceConfiguration", {}),
                    "thingName": made.thing.name if made.thing else None}
