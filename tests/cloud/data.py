"""The data plane's HTTPS: messages published by a device's certificate or a signed request, and credentials of a role
for a device's certificate."""
import base64
import datetime
import hashlib
import json
import urllib.parse
import uuid

import policies
import policy_language
import sigv4
import wire
from server import Answer
from wire import Refusal, operation

MOST_PAYLOAD = 128 * 1024


def refuse(refusal, **more):
    body = {"message": refusal.message, **more}
    return Answer(refusal.status, json.dumps(body).encode(),
                  {"Content-Type": "application/json", "x-amzn-ErrorType": refusal.name + ":"})


def forbidden(message="Forbidden"):
    return Refusal("ForbiddenException", 403, message)


def peer(account, connection):
    """The certificate of the caller if it may be used, or an error."""
    der = connection.connection.getpeercert(binary_form=True)
    if not der:
        raise forbidden("Missing Authentication Token")
    one = account.certificates.get(hashlib.sha256(der).hexdigest())
    sni = getattr(connection.connection, "asked_name", None)
    if one is None or one.status != "ACTIVE" or (one.mode == "SNI_ONLY" and not sni):
        raise forbidden()
    return one


def permitted(account, one, action, resource):
    """There is no client id here: what a policy says of one, or of its thing's name, does not hold."""
    documents = {p.name: p.document for p in account.effective_policies(one.arn)}
    known = policies.variables(account, one.arn, None)
    return policy_language.decide(documents, action, account.arn(resource), known)[0] == "ALLOWED"


def topic_is_good(topic, retain):
    """Basic ingest's $aws/rules/RULE/ is no part of what it is about."""
    if topic.startswith("$aws/rules/"):
        return topic.count("/") >= 3 and topic.count("/") <= 10
    return topic.count("/") <= 7 and not set(topic) & set("+#") and not (retain and topic.startswith("$"))


class Publish:
    """signed: without a certificate a signature is looked for, as on port 443 without ALPN."""

    def __init__(self, account, control, signed=False):
        self.account, self.control, self.signed = account, control, signed

    def serve(self, request, connection):
        trace = str(uuid.uuid4())
        path = urllib.parse.unquote(request.path)
        call = self.control.journal.arrived(operation="Publish", method=request.method, path=path, query=request.query)
        try:
            answer = self._publish(request, connection) or Answer(
                200, json.dumps({"message": "OK", "traceId": trace}).encode(), {"Content-Type": "application/json"})
            error = ""
        except Refusal as refusal:
            answer, error = refuse(refusal, traceId=trace), refusal.name
        answer.headers["x-amzn-RequestId"] = trace
        self.control.journal.add(call=call, event="answered", operation="Publish", status=answer.status, error=error)
        return answer

    def _publish(self, request, connection):
        may = self._caller(request, connection)
        prefix, _, topic = request.path[1:].partition("/")
        topic = urllib.parse.unquote(topic)
        if prefix != "topics" or not topic:
            raise Refusal("ResourceNotFoundException", 404, "Not Found")
        if request.method != "POST":
            raise Refusal("MethodNotAllowedException", 405, "Method Not Allowed")
        query = dict(urllib.parse.parse_qsl(request.query))
        retain = query.get("retain", "false") == "true"
        if query.get("qos", "0") not in ("0", "1") or not topic_is_good(topic, retain):
            raise wire.invalid("The topic or the quality of service is not valid.")
        if len(request.body) > MOST_PAYLOAD:
            raise Refusal("PayloadTooLargeException", 413, "Request Entity Too Large")
        with self.account.lock:
            self.account.tick()
            may("iot:RetainPublish" if retain else "iot:Publish", f"topic/{topic}")
            message = {"topic": topic, "qos": int(query.get("qos", "0")), "retain": retain,
                       "payload": base64.b64encode(request.body).decode()}
            self.account.published.append(message)
        self.control.messages.add(**message)

    def _caller(self, request, connection):
        """A function that raises an error where its caller may not do something."""
        account = self.account
        if self.signed and connection.connection.selected_alpn_protocol() != "x-amzn-http-ca":
            user = sigv4.verify(request, self.control.users, account.region, "iotdata", account.now())
            return lambda action, resource: self.control.users.check(user, action, account.arn(resource))
        one = peer(account, connection)

        def may(action, resource):
            if not permitted(account, one, action, resource):
                raise forbidden()
        return may


@operation("POST", "/role-aliases/{roleAlias}")
def create_role_alias(account, call):
    alias = call.path["roleAlias"]
    if alias in account.role_aliases:
        raise wire.exists(f"Role alias {alias}", alias, account.arn(f"rolealias/{alias}"))
    seconds = call.member("credentialDurationSeconds", int) or 3600
    if not 900 <= seconds <= 43200:
        raise wire.invalid("credentialDurationSeconds is between 900 and 43200.")
    account.role_aliases[alias] = {"role": call.member("roleArn", needed=True), "seconds": seconds}
    return {"roleAlias": alias, "roleAliasArn": account.arn(f"rolealias/{alias}")}


class CredentialProvider:
    def __init__(self, account, users):
        self.account, self.users = account, users

    def serve(self, request, connection):
        try:
            with self.account.lock:
                told = self._credentials(request, connection)
            return Answer(200, json.dumps(told).encode(), {"Content-Type": "application/json"})
        except Refusal as refusal:
            return refuse(refusal)

    def _credentials(self, request, connection):
        account, parts = self.account, urllib.parse.unquote(request.path).strip("/").split("/")
        account.tick()
        if request.method != "GET" or len(parts) != 3 or (parts[0], parts[2]) != ("role-aliases", "credentials"):
            raise Refusal("ResourceNotFoundException", 404, "Not Found")
        denied = Refusal("AccessDeniedException", 403, "Access Denied")
        try:
            one = peer(account, connection)
        except Refusal:
            raise denied from None
        alias = account.role_aliases.get(parts[1])
        if alias is None:
            raise Refusal("ResourceNotFoundException", 404, "Role alias does not exist")
        thing = request.header("x-amzn-iot-thingname")
        if thing is not None and thing not in [t.name for t in account.things_of(one.arn)]:
            raise wire.invalid("Invalid thing name passed")
        documents = {p.name: p.document for p in account.effective_policies(one.arn)}
        known = policies.variables(account, one.arn, thing)
        if policy_language.decide(documents, "iot:AssumeRoleWithCertificate", account.arn(f"rolealias/{parts[1]}"),
                                  known)[0] != "ALLOWED":
            raise denied
        ends = account.now() + alias["seconds"]
        user = self.users.add(alias["role"].rpartition("/")[2], token=True, expires=ends,
                              allow=account.settings.role_allow)
        stamp = datetime.datetime.fromtimestamp(ends, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"credentials": {"accessKeyId": user.access_key_id, "secretAccessKey": user.secret,
                                "sessionToken": user.token, "expiration": stamp}}
