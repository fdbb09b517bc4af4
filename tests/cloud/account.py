"""What an account holds in one region. Everything is in memory; whoever reads or changes it holds .lock."""
import base64
import collections
import dataclasses
import threading
import time
import uuid

import authority
import wire

UNCLAIMED_S = 3600
PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}


@dataclasses.dataclass
class Thing:
    name: str
    id: str
    attributes: dict
    type: str = None
    billing_group: str = None
    version: int = 1
    principals: dict = dataclasses.field(default_factory=dict)  # ARN → Link


@dataclasses.dataclass
class Link:
    """Something attached to something. ends: when a detaching takes effect, by the monotonic clock."""
    exclusive: bool = False
    ends: float = None


@dataclasses.dataclass
class Certificate:
    id: str
    arn: str
    pem: str
    x509: object
    status: str
    created: float
    modified: float
    mode: str = "DEFAULT"
    ca_id: str = None
    generation: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    version: int = 1
    unclaimed: str = None  # the ownership token of one that fleet provisioning made and nobody has claimed yet


@dataclasses.dataclass
class Policy:
    name: str
    arn: str
    created: float
    modified: float
    versions: dict  # id → (document, when made)
    default: str = "1"
    made: int = 1
    generation: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    targets: dict = dataclasses.field(default_factory=dict)  # ARN → Link

    @property
    def document(self):
        return self.versions[self.default][0]


@dataclasses.dataclass
class Group:
    name: str
    id: str
    parent: str = None
    properties: dict = dataclasses.field(default_factory=dict)
    things: list = dataclasses.field(default_factory=list)


class Settings:
    """What tests may change while it runs."""

    def __init__(self, endpoint):
        self.endpoint = endpoint  # that DescribeEndpoint tells for iot:Data-ATS
        self.credential_endpoint = None  # and for iot:CredentialProvider; None: the same
        self.detach_delay_s = 0.0  # AWS: several seconds for things, minutes for policies
        self.certificate_quota = None  # None: no end
        self.clock_offset_s = 0.0
        self.role_allow = ["*"]  # what the credential provider's sessions may do


class Account:
    def __init__(self, region, number, world, endpoint):
        self.region, self.number, self.world = region, number, world
        self.partition = next((p for start, p in PARTITIONS.items() if region.startswith(start)), "aws")
        self.settings = Settings(endpoint)
        self.lock = threading.RLock()
        self.registration_code = uuid.uuid4().hex * 2
        self.trusting = []  # TLS contexts that are to take every certificate of the account
        self.clear()

    def clear(self):
        """Back to an empty account."""
        self.things, self.thing_types, self.groups = {}, {}, {}
        self.certificates, self.cas, self.claims = {}, {}, {}
        self.policies, self.templates, self.role_aliases = {}, {}, {}
        self.published = collections.deque(maxlen=1000)
        self.ownership_tokens = []  # all that were given out

    def now(self):
        return time.time() + self.settings.clock_offset_s

    def arn(self, resource):
        return f"arn:{self.partition}:iot:{self.region}:{self.number}:{resource}"

    def tick(self):
        """What time brings: detachings take effect; certificates of fleet provisioning that nobody claimed go."""
        now = time.monotonic()
        for links in [t.principals for t in self.things.values()] + [p.targets for p in self.policies.values()]:
            for arn in [a for a, link in links.items() if link.ends is not None and link.ends <= now]:
                del links[arn]
        for one in [c for c in self.certificates.values() if c.unclaimed and self.now() > c.created + UNCLAIMED_S]:
            del self.certificates[one.id]

    def detach(self, links, arn):
        if self.settings.detach_delay_s:
            links[arn].ends = links[arn].ends or time.monotonic() + self.settings.detach_delay_s
        else:
            del links[arn]

    # ---- what there is, or an error ----

    def thing(self, name):
        return self._have(self.things, wire.check("thingName", name), f"Thing {name}")

    def group(self, name):
        return self._have(self.groups, wire.check("thingGroupName", name), f"Thing group {name}")

    def policy(self, name):
        return self._have(self.policies, wire.check("policyName", name), f"Policy {name}")

    def certificate(self, certificate_id):
        return self._have(self.certificates, wire.check("certificateId", certificate_id).lower(),
                          f"Certificate {certificate_id}")

    def principal(self, arn):
        """The certificate of an ARN."""
        prefix = self.arn("cert/")
        if not arn.startswith(prefix):
            raise wire.invalid(f"Invalid principal: {arn}")
        return self.certificate(arn[len(prefix):])

    def target(self, arn):
        """What a policy may be attached to, as its ARN: a certificate or a thing group."""
        prefix = self.arn("thinggroup/")
        if arn.startswith(prefix):
            self.group(arn[len(prefix):])
            return arn
        return self.principal(arn).arn

    @staticmethod
    def _have(kept, key, what):
        if key not in kept:
            raise wire.missing(what)
        return kept[key]

    # ---- what is attached ----

    def things_of(self, arn):
        return [t for t in self.things.values() if arn in t.principals]

    def policies_of(self, arn):
        return [p for p in self.policies.values() if arn in p.targets]

    def effective_policies(self, arn):
        """Those of a certificate, of its things' groups and of the groups above."""
        found = self.policies_of(arn)
        for thing in self.things_of(arn):
            for group in [g for g in self.groups.values() if thing.name in g.things]:
                while group:
                    found += self.policies_of(self.arn(f"thinggroup/{group.name}"))
                    group = self.groups.get(group.parent)
        return list({p.name: p for p in found}.values())

    def add_certificate(self, x509, status, **more):
        quota = self.settings.certificate_quota
        if quota is not None and len(self.certificates) >= quota:
            raise wire.limit("The number of certificates exceeds the limit of the account.")
        now = self.now()
        one = Certificate(authority.fingerprint(x509), "", authority.pem(x509), x509, status, now, now, **more)
        one.arn = self.arn(f"cert/{one.id}")
        self.certificates[one.id] = one
        for context in self.trusting:
            context.load_verify_locations(cadata=one.pem)
        return one


def page(items, start, size):
    """(those of this page, the mark of the next or None). start: a mark given out before; None = the first page. items:
    (key, value) in the order of the list."""
    at = 0
    if start:
        try:
            key = base64.b64decode(start, validate=True).decode()
        except ValueError:
            key = None
        places = [i for i, item in enumerate(items) if item[0] == key]
        if not places:
            raise wire.invalid("Invalid token")
        at = places[0]
    rest = items[at:]
    mark = base64.b64encode(rest[size][0].encode()).decode() if len(rest) > size else None
    return [value for _, value in rest[:size]], mark
