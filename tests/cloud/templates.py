"""Provisioning templates, and what a registration by one makes."""
import dataclasses
import hashlib
import json
import re

from cryptography import x509

import authority
import certificates
import policies
import things
import wire
from account import page
from wire import Refusal, operation

CLAIM_S = 300
MOST_BODY = 10240


@dataclasses.dataclass
class Claim:
    """A certificate that may do nothing but provision by one template, for five minutes. It is in no list."""
    id: str
    arn: str
    x509: object
    template: str
    expires: float

    def document(self, account):
        topics = [account.arn("{}/$aws/certificates/create*"),
                  account.arn(f"{{}}/$aws/provisioning-templates/{self.template}/provision/*")]
        statements = [("iot:Connect", ["*"]), (["iot:Publish", "iot:Receive"], [t.format("topic") for t in topics]),
                      ("iot:Subscribe", [t.format("topicfilter") for t in topics])]
        return json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements]})


def _template(account, call):
    name = call.name("templateName")
    if name not in account.templates:
        raise wire.missing(f"Provisioning template {name}")
    return account.templates[name]


@operation("POST", "/provisioning-templates")
def create_provisioning_template(account, call):
    name = wire.check("templateName", call.member("templateName", needed=True))
    body = _parse(call.member("templateBody", needed=True))
    if name in account.templates:
        raise wire.exists(f"Provisioning template {name}", name, account.arn(f"provisioningtemplate/{name}"))
    account.templates[name] = {"templateName": name, "templateArn": account.arn(f"provisioningtemplate/{name}"),
                               "provisioningRoleArn": call.member("provisioningRoleArn", needed=True),
                               "enabled": call.body.get("enabled") is True, "defaultVersionId": 1,
                               "creationDate": account.now(), "body": body}
    return {"templateArn": account.templates[name]["templateArn"], "templateName": name, "defaultVersionId": 1}


@operation("GET", "/provisioning-templates/{templateName}")
def describe_provisioning_template(account, call):
    kept = _template(account, call)
    return {name: value for name, value in kept.items() if name != "body"} | {"templateBody": json.dumps(kept["body"])}


@operation("GET", "/provisioning-templates")
def list_provisioning_templates(account, call):
    told = [(name, {m: kept[m] for m in ("templateArn", "templateName", "enabled", "creationDate")})
            for name, kept in account.templates.items()]
    some, mark = page(told, call.query.get("nextToken"), call.number("maxResults", 1, 250, 25))
    return {"templates": some} | ({"nextToken": mark} if mark else {})


@operation("DELETE", "/provisioning-templates/{templateName}")
def delete_provisioning_template(account, call):
    del account.templates[_template(account, call)["templateName"]]
    return {}


@operation("POST", "/provisioning-templates/{templateName}/provisioning-claim", locked=False)
def create_provisioning_claim(account, call):
    key = authority.rsa_key()
    with account.lock:
        name = _template(account, call)["templateName"]
        made = account.world.devices.issue(key.public_key(), authority.name("AWS IoT Certificate"))
        one = Claim(authority.fingerprint(made), "", made, name, account.now() + CLAIM_S)
        one.arn = account.arn(f"cert/{one.id}")
        account.claims[one.id] = one
    return {"certificateId": one.id, "certificatePem": authority.pem(made), "expiration": one.expires,
            "keyPair": {"PublicKey": authority.public_pem(key), "PrivateKey": authority.key_pem(key)}}


@operation("POST", "/things")
def register_thing(account, call):
    parameters = call.member("parameters", dict) or {}
    made = provision(account, _parse(call.member("templateBody", needed=True)), parameters)
    return {"certificatePem": made.certificate.pem if made.certificate else None, "resourceArns": made.arns}


# ---- what a template makes ----

def _parse(text):
    try:
        body = json.loads(text) if len(text) <= MOST_BODY else None
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("Resources"), dict):
        raise wire.invalid(f"The template is no JSON object of at most {MOST_BODY} characters with Resources.")
    return body


def _failed(message):
    return Refusal("ResourceRegistrationFailureException", 400, message)


class Values:
    """A template's parameters, and what its Ref, Fn::Join and Fn::Sub stand for."""

    def __init__(self, declared, given):
        self.known = {name: str(spec["Default"]) for name, spec in declared.items() if "Default" in spec}
        self.known.update(given)
        absent = [name for name in declared if name not in self.known]
        if absent:
            raise wire.invalid(f"Parameters without a value: {', '.join(absent)}")

    def named(self, name):
        if name not in self.known:
            raise _failed(f"The template refers to {name}, which is not there.")
        return self.known[name]

    def fill(self, value):
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Ref"}:
            return self.named(value["Ref"])
        if set(value) == {"Fn::Join"}:
            glue, parts = value["Fn::Join"]
            return glue.join(self.fill(parts))
        if set(value) == {"Fn::Sub"}:
            return re.sub(r"\$\{([^}!]+)\}", lambda found: self.named(found[1]), value["Fn::Sub"])
        return {name: self.fill(v) for name, v in value.items()}


class Made:
    def __init__(self):
        self.arns = {}
        self.thing = self.certificate = None
        self.policies = []


def provision(account, template, given, owned=None):
    """owned: id of the certificate whose token was shown."""
    if not all(isinstance(v, str) and len(v) <= 4096 for v in given.values()):
        raise wire.invalid("A parameter's value is a text of at most 4096 characters.")
    extra = {"AWS::IoT::Certificate::Id": owned} if owned else {}
    values = Values(template.get("Parameters", {}), {**given, **extra})
    made = Made()
    makers = {"AWS::IoT::Certificate": _certificate, "AWS::IoT::Policy": _policy, "AWS::IoT::Thing": _thing}
    resources = {name: (spec.get("Type"), values.fill(spec.get("Properties", {})), spec.get("OverrideSettings", {}))
                 for name, spec in template["Resources"].items()}
    for kind, make in makers.items():
        for name, (its_kind, properties, override) in resources.items():
            if its_kind not in makers:
                raise _failed(f"{its_kind} is no type of a resource.")
            if its_kind == kind:
                made.arns[name] = make(account, made, properties, override)
    if made.certificate:
        for policy in made.policies:
            policies.attach(account, policy, made.certificate.arn)
        if made.thing:
            made.thing.principals.setdefault(made.certificate.arn, things.Link())
    return made


def _certificate(account, made, properties, _override):
    status = str(properties.get("Status", "ACTIVE")).upper()
    if "CertificateSigningRequest" in properties:
        request = certificates.read_request(properties["CertificateSigningRequest"])
        signed = account.world.devices.issue(request.public_key(), request.subject)
        made.certificate = account.add_certificate(signed, status)
    elif "CertificateId" in properties:
        made.certificate = account.certificate(properties["CertificateId"])
        made.certificate.status, made.certificate.unclaimed = status, None
        made.certificate.modified = account.now()
    elif "CertificatePem" in properties:
        one = x509.load_pem_x509_certificate(properties["CertificatePem"].encode())
        made.certificate = account.certificates.get(authority.fingerprint(one)) or account.add_certificate(
            one, status, mode="SNI_ONLY")
    else:
        raise _failed("The certificate has no CertificateSigningRequest, CertificateId or CertificatePem.")
    return made.certificate.arn


def _policy(account, made, properties, _override):
    document = properties.get("PolicyDocument")
    if document is None:
        policy = account.policy(properties.get("PolicyName", ""))
    else:
        text = policies.check_document(document if isinstance(document, str) else json.dumps(document))
        name = properties.get("PolicyName") or hashlib.sha256(text.encode()).hexdigest()
        policy = account.policies.get(name) or policies.add_policy(account, wire.check("policyName", name), text)
    made.policies.append(policy)
    return policy.arn


def _thing(account, made, properties, override):
    name = wire.check("thingName", properties.get("ThingName", ""))
    attributes, kind = properties.get("AttributePayload", {}), properties.get("ThingTypeName")
    groups = [account.group(group) for group in properties.get("ThingGroups", [])]
    thing = account.things.get(name)
    if thing is None:
        thing = things.add_thing(account, name, kind, attributes)
    elif override.get("AttributePayload") == "REPLACE":
        thing.attributes, thing.version = attributes, thing.version + 1
    elif override.get("AttributePayload") == "MERGE":
        thing.attributes, thing.version = thing.attributes | attributes, thing.version + 1
    elif override.get("AttributePayload") == "FAIL" and thing.attributes != attributes:
        raise _failed(f"Thing {name} exists with other attributes.")
    for group in groups:
        things.join_group(account, thing, group)
    made.thing = thing
    return account.arn(f"thing/{name}")
