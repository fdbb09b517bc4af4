"""What tests tell the stand-in and ask it, over plain HTTP.

GET  /state                     everything that the account holds, and "counts": connections, handshakes and
                                failed_handshakes of each port ("control_handshakes"), the most_open at once, calls,
                                also by operation ("calls.CreateThing"), errors by name, faults met, throttled
GET  /journal?since=N&wait=S    events after the Nth: {"seq","call","event":"arrived"|"done"|"answered","operation",…};
                                waits S seconds for the first;  GET /journal/last → {"seq": N}
GET  /messages?since=N&wait=S   those published over HTTPS, likewise, {"seq","topic","payload": base64,"qos","retain"}
POST /faults                    add one, see faults.py → {"id"};  GET /faults;  DELETE /faults[/ID]
POST /settings                  {"endpoint","credential_endpoint","detach_delay_s","certificate_quota","rate_percent",
                                "rtt_ms"}; only those that are named change
POST /clock                     {"offset_s"} or {"now": Unix time}
POST /users                     {"name","access_key_id"?,"secret_access_key"?,"session_token"?: true or a text,
                                "expires_in_s"?,"allow"?:["iot:*"],"deny"?:[…]} → the user; the same key id again: anew
DELETE /users/ACCESS_KEY_ID
POST /authorize                 {"certificate_id"|"certificate_pem","client_id","action":"iot:Connect",
                                "resource":"client/x"|"topic/x"|"topicfilter/x"|an ARN,"context"?:{…}}
                                → {"allowed","decision","certificate": its status or null,"thing": its name or null}
POST /operate                   {"operation":"CreateThing","path":{"thingName":"x"},"query"?:{…},"headers"?:{…},
                                "body"?:{…}} → {"status","body"}: as if the account's owner had called it, past signature, rates,
                                faults and the journal
POST /fleet                     {"topic","payload": a text} → {"topic","payload"}: what fleet provisioning answers to a
                                message on its topics, and where; topic null: nothing. Whether the client may is
                                asked before, by /authorize
POST /reset                     everything as at the start, but the journal goes on
"""
import json
import time
import urllib.parse

from cryptography import x509

import authority
import policies
import policy_language
import wire
from fleet import Fleet
from server import Answer


def public_key_digest(one):
    return authority.spki_digest(one.x509.public_key())


class Admin:
    def __init__(self, control, listeners):
        self.control, self.account, self.listeners = control, control.account, listeners
        self.fleet = Fleet(control)
        self.first = {"rate_percent": control.rates.percent, "rtt_ms": listeners[0].rtt_s * 1000,
                      **vars(self.account.settings)}

    def serve(self, request, _connection):
        parts = request.path.strip("/").split("/")
        query = dict(urllib.parse.parse_qsl(request.query))
        try:
            body = json.loads(request.body or b"{}")
            found = getattr(self, f"{request.method.lower()}_{parts[0]}", None)
            answer = found(body, query, *parts[1:]) if found else None
        except (KeyError, TypeError, ValueError) as fault:
            return Answer(400, json.dumps({"error": f"{type(fault).__name__}: {fault}"}).encode())
        if answer is None:
            return Answer(404)
        return Answer(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def get_state(self, _body, _query):
        account = self.account
        with account.lock:
            account.tick()
            return {
                "things": {t.name: {"type": t.type, "attributes": t.attributes, "version": t.version,
                                    "principals": list(t.principals),
                                    "groups": [g.name for g in account.groups.values() if t.name in g.things]}
                           for t in account.things.values()},
                "groups": {g.name: {"parent": g.parent, "things": g.things} for g in account.groups.values()},
                "thing_types": list(account.thing_types),
                "certificates": {c.id: self._certificate(c) for c in account.certificates.values()},
                "claims": {c.id: {"expires": c.expires, "template": c.template} for c in account.claims.values()},
                "policies": {p.name: {"document": p.document, "versions": list(p.versions), "targets": list(p.targets)}
                             for p in account.policies.values()},
                "templates": list(account.templates),
                "published": list(account.published),
                "ownership_tokens": list(account.ownership_tokens),
                "counts": self.control.counters.told(),
            }

    def _certificate(self, one):
        return {"arn": one.arn, "status": one.status, "mode": one.mode, "created": one.created,
                "public_key_sha256": public_key_digest(one), "pem": one.pem, "unclaimed": one.unclaimed is not None,
                "things": [t.name for t in self.account.things_of(one.arn)],
                "policies": [p.name for p in self.account.policies_of(one.arn)]}

    def get_journal(self, _body, query, last=None):
        if last == "last":
            return {"seq": self.control.journal.last()}
        return self.control.journal.since(int(query.get("since", 0)), float(query.get("wait", 0)))

    def get_messages(self, _body, query, last=None):
        messages = self.control.messages
        if last == "last":
            return {"seq": messages.last()}
        return messages.since(int(query.get("since", 0)), float(query.get("wait", 0)))

    def post_faults(self, body, _query):
        return self.control.faults.add(body).told()

    def get_faults(self, _body, _query):
        return self.control.faults.told()

    def delete_faults(self, _body, _query, number=None):
        self.control.faults.clear(int(number) if number else None)
        return {}

    def post_settings(self, body, _query):
        settings = self.account.settings
        for name, value in body.items():
            if name == "rate_percent":
                self.control.rates.percent = value
            elif name == "rtt_ms":
                for listener in self.listeners:
                    listener.rtt_s = value / 1000
            elif hasattr(settings, name):
                setattr(settings, name, value)
            else:
                raise ValueError(f"no setting {name}")
        return vars(settings)

    def post_clock(self, body, _query):
        offset = body["offset_s"] if "offset_s" in body else body["now"] - time.time()
        self.account.settings.clock_offset_s = offset
        return {"now": self.account.now()}

    def post_users(self, body, _query):
        expires = self.account.now() + body["expires_in_s"] if "expires_in_s" in body else None
        user = self.control.users.add(body.get("name", "bench"), body.get("session_token", False), expires,
                                      body.get("access_key_id"), body.get("secret_access_key"), body.get("allow"),
                                      body.get("deny"))
        return {"access_key_id": user.access_key_id, "secret_access_key": user.secret, "session_token": user.token,
                "expires": user.expires}

    def delete_users(self, _body, _query, key_id):
        del self.control.users.by_key[key_id]
        return {}

    def post_authorize(self, body, _query):
        certificate_id = body.get("certificate_id")
        if not certificate_id:
            certificate_id = authority.fingerprint(x509.load_pem_x509_certificate(body["certificate_pem"].encode()))
        return authorize(self.account, certificate_id.lower(), body.get("client_id"), body["action"], body["resource"],
                         body.get("context"))

    def post_operate(self, body, _query):
        name = body["operation"]
        found = next(o for o in wire.OPERATIONS if o.name == name)
        raw = json.dumps(body["body"]).encode() if "body" in body else b""
        try:
            call = wire.Call(found, body.get("path", {}), urllib.parse.urlencode(body.get("query", {})),
                             body.get("headers", {}), raw, None)
            with self.account.lock:
                self.account.tick()
                return {"status": 200, "body": found.serve(self.account, call)}
        except wire.Refusal as refusal:
            return {"status": refusal.status, "body": {"message": refusal.message, "error": refusal.name}}

    def post_fleet(self, body, _query):
        return self.fleet.answer(body["topic"], body.get("payload", ""))

    def post_reset(self, _body, query):
        self.control.faults.clear()
        self.post_settings(self.first, query)
        self.control.users.forget_added()
        with self.account.lock:
            self.account.clear()
        self.control.counters.clear()
        return {}


def authorize(account, certificate_id, client_id, action, resource, context=None):
    """May a certificate's client do that now?"""
    with account.lock:
        account.tick()
        one = account.certificates.get(certificate_id) or account.claims.get(certificate_id)
        if one is None:
            return {"allowed": False, "decision": "IMPLICIT_DENY", "certificate": None, "thing": None}
        known = policies.variables(account, one.arn, client_id, context)
        if certificate_id in account.claims:
            status = "ACTIVE" if account.now() < one.expires else "INACTIVE"
            documents = {"claim": one.document(account)}
        else:
            status = one.status
            documents = {p.name: p.document for p in account.effective_policies(one.arn)}
        if not resource.startswith("arn:"):
            resource = account.arn(resource)
        decision = policy_language.decide(documents, action, resource, known)[0]
        return {"allowed": status == "ACTIVE" and decision == "ALLOWED", "decision": decision,
                "certificate": status, "thing": known["iot:Connection.Thing.ThingName"]}
