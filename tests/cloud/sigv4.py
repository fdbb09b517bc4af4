"""Verifies AWS's Signature Version 4 in request headers: everything is computed anew from what came over the wire."""
import datetime
import hashlib
import hmac
import re
import urllib.parse

from wire import Refusal

SKEW_S = 300
UNSIGNED = {"x-amzn-trace-id"}
MISMATCH = ("The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.")
AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256 +(\w+=[^, ]+(?: *, *\w+=[^, ]+)*) *")


def wrong(message):
    return Refusal("InvalidSignatureException", 403, message)


def _encode(raw, safe=""):
    return urllib.parse.quote(raw, safe="-_.~" + safe)


def canonical_path(path):
    """Dot segments and repeated slashes go, and what is left is encoded once more."""
    kept = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    clean = "/" + "/".join(kept)
    if kept and path.endswith(("/", "/.", "/..")):
        clean += "/"
    return _encode(clean.encode("latin-1"), "/")


def canonical_query(query):
    pairs = []
    for part in query.split("&") if query else []:
        name, _, value = part.partition("=")
        pairs.append(tuple(_encode(urllib.parse.unquote_to_bytes(x.encode("latin-1"))) for x in (name, value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def canonical_headers(headers, signed):
    lines = []
    for name in signed:
        values = [" ".join(value.split()) for key, value in headers if key.lower() == name]
        lines.append(f"{name}:{','.join(values)}\n")
    return "".join(lines)


def signature(secret, scope, stamp, canonical):
    """scope: (day, region, service)"""
    digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join([*scope, "aws4_request"]), digest])
    key = b"AWS4" + secret.encode()
    for part in (*scope, "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


class Request:
    """As it came: target is path and query untouched, headers a list of (name, value)."""

    def __init__(self, method, target, headers, body):
        self.method, self.headers, self.body = method, headers, body
        self.path, _, self.query = target.partition("?")

    def header(self, name):
        return next((value.strip() for key, value in self.headers if key.lower() == name), None)

    def canonical(self, signed):
        return "\n".join([self.method, canonical_path(self.path), canonical_query(self.query),
                          canonical_headers(self.headers, signed), ";".join(signed),
                          hashlib.sha256(self.body).hexdigest()])


def verify(request, users, region, service, now):
    """users: find(access key id, token) → a user with .secret, or an error. now: the service's clock, Unix time.
    Returns the user."""
    text = request.header("authorization")
    if not text:
        raise Refusal("MissingAuthenticationTokenException", 403, "Missing Authentication Token")
    found = AUTHORIZATION.fullmatch(text)
    given = dict(part.strip().split("=", 1) for part in found[1].split(",")) if found else {}
    scope = given.get("Credential", "").split("/")
    if len(scope) != 5 or scope[4] != "aws4_request" or "SignedHeaders" not in given or "Signature" not in given:
        raise Refusal("IncompleteSignatureException", 403, "Authorization header requires 'Credential' parameter. "
                      "Authorization header requires 'Signature' parameter. Authorization header requires "
                      "'SignedHeaders' parameter.")
    key_id, day, *place = scope[:4]
    user = users.find(key_id, request.header("x-amz-security-token"), now)
    stamp = request.header("x-amz-date") or ""
    _check_time(stamp, day, now)
    if place[1] != service:
        raise wrong(f"Credential should be scoped to correct service: '{service}'. ")
    if place[0] != region:
        raise wrong(f"Credential should be scoped to a valid region, not '{place[0]}'. ")
    signed = given["SignedHeaders"].split(";")
    _check_signed(request, signed)
    if not hmac.compare_digest(signature(user.secret, (day, *place), stamp, request.canonical(signed)).encode(),
                               given["Signature"].encode("latin-1")):
        raise wrong(MISMATCH)
    return user


def _check_time(stamp, day, now):
    try:
        at = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
    except ValueError:
        raise Refusal("IncompleteSignatureException", 403, "Authorization header requires existence of either a "
                      "'X-Amz-Date' or a 'Date' header.") from None
    if stamp[:8] != day:
        raise wrong("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                    f"'{day}' != '{stamp[:8]}', from '{stamp}'.")
    here, early, late = (datetime.datetime.fromtimestamp(now + d, datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
                         for d in (0, -SKEW_S, SKEW_S))
    if at < now - SKEW_S:
        raise wrong(f"Signature expired: {stamp} is now earlier than {early} ({here} - 5 min.)")
    if at > now + SKEW_S:
        raise wrong(f"Signature not yet current: {stamp} is still later than {late} ({here} + 5 min.)")


def _check_signed(request, signed):
    if signed != sorted(set(signed)) or any(name != name.lower() for name in signed):
        raise wrong(MISMATCH)
    sent = {name.lower() for name, _ in request.headers}
    needed = {name for name in sent if name.startswith(("x-amz-", "x-amzn-"))} - UNSIGNED
    for name in sorted(needed | {"host", "x-amz-date"}):
        if name not in signed:
            raise wrong(f"'{name}' must be a 'SignedHeader' in the AWS Authorization.")
