"""Operations on policies, and what they say."""
import policy_language
import wire
from account import Link, Policy, page
from wire import operation

VERSIONS, POLICIES_OF_PRINCIPAL = 5, 10
ACTIONS = {"CONNECT": "iot:Connect", "PUBLISH": "iot:Publish", "SUBSCRIBE": "iot:Subscribe", "RECEIVE": "iot:Receive"}


def _document(call):
    return check_document(call.member("policyDocument", needed=True))


def check_document(text):
    try:
        policy_language.check(text)
    except policy_language.Malformed as fault:
        raise wire.Refusal("MalformedPolicyException", 400, f"Policy document is Malformed: {fault}") from None
    return text


def _told(policy):
    return {"policyName": policy.name, "policyArn": policy.arn}


def add_policy(account, name, document):
    now = account.now()
    policy = account.policies[name] = Policy(name, account.arn(f"policy/{name}"), now, now, {"1": (document, now)})
    return policy


@operation("POST", "/policies/{policyName}")
def create_policy(account, call):
    name, document = call.name("policyName"), _document(call)
    if name in account.policies:
        raise wire.exists(f"Policy {name}", name, account.policies[name].arn)
    policy = add_policy(account, name, document)
    return _told(policy) | {"policyDocument": document, "policyVersionId": "1"}


@operation("POST", "/policies/{policyName}/version")
def create_policy_version(account, call):
    policy, document = account.policy(call.path["policyName"]), _document(call)
    if len(policy.versions) >= VERSIONS:
        raise wire.Refusal("VersionsLimitExceededException", 409,
                           f"The policy {policy.name} already has the maximum number of versions ({VERSIONS})")
    policy.made += 1
    version, default = str(policy.made), call.flag("setAsDefault")
    policy.versions[version] = (document, account.now())
    if default:
        policy.default, policy.modified = version, account.now()
    return {"policyArn": policy.arn, "policyDocument": document, "policyVersionId": version,
            "isDefaultVersion": default}


@operation("GET", "/policies/{policyName}/version")
def list_policy_versions(account, call):
    policy = account.policy(call.path["policyName"])
    return {"policyVersions": [{"versionId": version, "isDefaultVersion": version == policy.default, "createDate": made}
                               for version, (_, made) in policy.versions.items()]}


@operation("DELETE", "/policies/{policyName}/version/{policyVersionId}")
def delete_policy_version(account, call):
    policy, version = account.policy(call.path["policyName"]), call.path["policyVersionId"]
    if version not in policy.versions:
        raise wire.missing(f"Version {version} of policy {policy.name}")
    if version == policy.default:
        raise wire.conflict("Cannot delete the default version of a policy")
    del policy.versions[version]


@operation("GET", "/policies/{policyName}")
def get_policy(account, call):
    policy = account.policy(call.path["policyName"])
    return _told(policy) | {"policyDocument": policy.document, "defaultVersionId": policy.default,
                            "creationDate": round(policy.created, 3), "lastModifiedDate": round(policy.modified, 3),
                            "generationId": policy.generation}


@operation("DELETE", "/policies/{policyName}")
def delete_policy(account, call):
    policy = account.policy(call.path["policyName"])
    if policy.targets:
        raise wire.conflict(f"The policy cannot be deleted as the policy is attached to one or more principals "
                            f"(name={policy.name})")
    if len(policy.versions) > 1:
        raise wire.conflict(f"Cannot delete the policy because it has one or more policy versions attached to it "
                            f"(name={policy.name})")
    del account.policies[policy.name]


@operation("GET", "/policies")
def list_policies(account, call):
    return _page(call, "policies", [(p.name, _told(p)) for p in account.policies.values()])


def attach(account, policy, arn):
    if arn not in policy.targets and len(account.policies_of(arn)) >= POLICIES_OF_PRINCIPAL:
        raise wire.limit(f"The number of policies attached exceeds the limit of {POLICIES_OF_PRINCIPAL}.")
    policy.targets[arn] = Link()


@operation("PUT", "/target-policies/{policyName}")
def attach_policy(account, call):
    attach(account, account.policy(call.path["policyName"]), account.target(call.member("target", needed=True)))


@operation("POST", "/target-policies/{policyName}")
def detach_policy(account, call):
    policy, arn = account.policy(call.path["policyName"]), account.target(call.member("target", needed=True))
    if arn in policy.targets:
        account.detach(policy.targets, arn)


def _page(call, member, items):
    some, mark = page(items, call.query.get("marker"), call.number("pageSize", 1, 250, 25))
    return {member: some} | ({"nextMarker": mark} if mark else {})


@operation("POST", "/attached-policies/{target}")
def list_attached_policies(account, call):
    arn = account.target(call.path["target"])
    found = account.effective_policies(arn) if call.flag("recursive") else account.policies_of(arn)
    return _page(call, "policies", [(p.name, _told(p)) for p in found])


@operation("POST", "/policy-targets/{policyName}")
def list_targets_for_policy(account, call):
    return _page(call, "targets", [(arn, arn) for arn in account.policy(call.path["policyName"]).targets])


@operation("POST", "/effective-policies")
def get_effective_policies(account, call):
    one = account.principal(call.member("principal", needed=True))
    return {"effectivePolicies": [_told(p) | {"policyDocument": p.document}
                                  for p in account.effective_policies(one.arn)]}


# ---- what is allowed ----

def variables(account, arn, client_id, connection=None):
    """A client's. The thing's name counts only where the certificate is attached to the thing that the client is called
    after. connection: what its CONNECT asked for, beside."""
    thing = account.things.get(client_id)
    attached = thing is not None and arn in thing.principals
    found = {"iot:ClientId": client_id, "iot:Connection.Thing.IsAttached": "true" if attached else "false",
             "iot:Connection.Thing.ThingName": client_id if attached else None,
             "iot:Connection.Thing.ThingTypeName": thing.type if attached else None,
             "iot:CertificateId": arn.rpartition("/")[2]}
    if attached:
        found |= {f"iot:Connection.Thing.Attributes[{name}]": value for name, value in thing.attributes.items()}
    subject = account.certificates[found["iot:CertificateId"]].x509.subject if found["iot:CertificateId"] \
        in account.certificates else ()
    for attribute in subject:
        found.setdefault(f"iot:Certificate.Subject.{attribute.oid._name[0].upper()}{attribute.oid._name[1:]}",
                         attribute.value)
    return found | (connection or {})


@operation("POST", "/test-authorization")
def test_authorization(account, call):
    one = account.principal(call.member("principal", needed=True))
    policies = {p.name: p for p in account.effective_policies(one.arn)}
    for name in call.member("policyNamesToAdd", list) or []:
        policies[name] = account.policy(name)
    for name in call.member("policyNamesToSkip", list) or []:
        policies.pop(name, None)
    known = variables(account, one.arn, call.query.get("clientId"))
    infos = call.member("authInfos", list, needed=True)
    if not 1 <= len(infos) <= 10:
        raise wire.invalid("authInfos has 1 to 10 members.")
    return {"authResults": [_judge(policies, known, info) for info in infos]}


def _judge(policies, known, info):
    kind, resources = info.get("actionType"), info.get("resources")
    if kind not in ACTIONS or not isinstance(resources, list) or not resources:
        raise wire.invalid("An authInfo has an actionType and resources.")
    documents = {name: p.document for name, p in policies.items()}
    results = [policy_language.decide(documents, ACTIONS[kind], resource, known) for resource in resources]
    decision = next(d for d in ("EXPLICIT_DENY", "IMPLICIT_DENY", "ALLOWED") if any(r[0] == d for r in results))

    def named(names):
        return {"policies": [_told(policies[name]) for name in sorted(names)]}
    return {"authInfo": {"actionType": kind, "resources": resources},
            "allowed": named({name for r in results for name in r[1]}),
            "denied": {"implicitDeny": named(policies if decision == "IMPLICIT_DENY" else ()),
                       "explicitDeny": named({name for r in results for name in r[2]})},
            "authDecision": decision,
            "missingContextValues": policy_language.missing_variables(documents.values(), known)}
