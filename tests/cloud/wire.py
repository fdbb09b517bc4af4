"""What a call brings to an operation, and what an operation may say."""
import dataclasses
import json
import re
import urllib.parse

OPERATIONS = []


class Refusal(Exception):
    """An error as AWS's service model names it. more: further members of its body."""

    def __init__(self, name, status, message, **more):
        super().__init__(message)
        self.name, self.status, self.message, self.more = name, status, message, more


def invalid(message):
    return Refusal("InvalidRequestException", 400, message)


def constraint(member, value, rule):
    """In the words of AWS's validation."""
    shown = "null" if value is None else f"'{value}'"
    return invalid(f"1 validation error detected: Value {shown} at '{member}' failed to satisfy constraint: {rule}")


def missing(what):
    return Refusal("ResourceNotFoundException", 404, f"{what} cannot be found.")


def exists(what, resource_id, arn):
    return Refusal("ResourceAlreadyExistsException", 409, f"{what} already exists in account", resourceId=resource_id,
                   resourceArn=arn)


def conflict(message):
    return Refusal("DeleteConflictException", 409, message)


def limit(message):
    return Refusal("LimitExceededException", 410, message)


@dataclasses.dataclass
class Operation:
    name: str
    method: str
    path: list  # of segments; "{x}" stands for any one
    serve: object
    locked: bool

    def match(self, method, segments):
        """The path's parameters, or None."""
        if method != self.method or len(segments) != len(self.path):
            return None
        found = {}
        for want, have in zip(self.path, segments):
            if want.startswith("{"):
                found[want[1:-1]] = urllib.parse.unquote(have)
            elif want != have:
                return None
        return found


def operation(method, path, locked=True):
    """Makes a function serve one operation, whose name is the function's in AWS's spelling. It gets the account and a
    Call; what it returns is the answer's body, None an empty one. locked: nothing else happens meanwhile."""
    def register(serve):
        name = "".join(word.capitalize() for word in serve.__name__.rstrip("_").split("_"))
        for plain, spelt in (("Ca", "CA"), ("Principalsv2", "PrincipalsV2")):
            name = re.sub(f"{plain}(?=[A-Z]|$)", spelt, name)
        OPERATIONS.append(Operation(name, method, path.strip("/").split("/"), serve, locked))
        return serve
    return register


def find(method, path):
    """(operation, its path's parameters) of a request; an error if there is none."""
    segments = path.strip("/").split("/")
    for candidate in OPERATIONS:
        found = candidate.match(method, segments)
        if found is not None and all(found.values()):  # no name is empty
            return candidate, found
    raise Refusal("UnknownOperationException", 404, "No operation of this service has that method and path.")


NAMES = {  # by member: pattern, longest
    "thingName": (r"[a-zA-Z0-9:_-]+", 128),
    "thingTypeName": (r"[a-zA-Z0-9:_-]+", 128),
    "thingGroupName": (r"[a-zA-Z0-9:_-]+", 128),
    "parentGroupName": (r"[a-zA-Z0-9:_-]+", 128),
    "policyName": (r"[\w+=,.@-]+", 128),
    "templateName": (r"[0-9A-Za-z_-]+", 36),
    "certificateId": (r"(0x)?[a-fA-F0-9]+", 64),
}


def check(member, value):
    """A name's form."""
    pattern, longest = NAMES[member]
    fault = None
    if not re.fullmatch(pattern, value, re.ASCII):
        fault = f"Member must satisfy regular expression pattern: {pattern}"
    elif len(value) > longest:
        fault = f"Member must have length less than or equal to {longest}"
    elif member == "certificateId" and len(value) < 64:
        fault = "Member must have length greater than or equal to 64"
    if fault:
        raise constraint(member, value, fault)
    return value


class Call:
    def __init__(self, operation_, path, query, headers, body, user):
        self.operation, self.path, self.headers, self.user = operation_, path, headers, user
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.raw = body
        self.body = self._json(body)

    @staticmethod
    def _json(body):
        if not body:
            return {}
        try:
            value = json.loads(body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Refusal("SerializationException", 400, "The body is not a JSON object.")
        return value

    def name(self, member):
        """A parameter of the path."""
        return check(member, self.path[member])

    def member(self, name, kind=str, needed=False):
        """A member of the body; None if it is absent."""
        value = self.body.get(name)
        if value is None:
            if needed:
                raise constraint(name, None, "Member must not be null")
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Refusal("SerializationException", 400, f"{name} is of another type.")
        return value

    def flag(self, name):
        value = self.query.get(name, "false")
        if value not in ("true", "false"):
            raise Refusal("SerializationException", 400, f"{name} is neither true nor false.")
        return value == "true"

    def number(self, name, low, high, usual):
        text = self.query.get(name, str(usual))
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
            raise constraint(name, text, f"Member must be between {low} and {high}")
        return int(text)

    def principal(self):
        """The ARN in the header of that name."""
        arn = self.headers.get("x-amzn-principal")
        if not arn:
            raise constraint("principal", None, "Member must not be null")
        return arn
