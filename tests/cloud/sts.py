"""The little of AWS's token service that tells who calls, and gives sessions."""
import datetime
import urllib.parse
import uuid
from xml.sax.saxutils import escape

import wire
from server import Answer
from wire import Refusal

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
# What the same faults are called there.
CODES = {"InvalidSignatureException": "SignatureDoesNotMatch", "UnrecognizedClientException": "InvalidClientTokenId",
         "ExpiredTokenException": "ExpiredToken", "MissingAuthenticationTokenException": "MissingAuthenticationToken",
         "IncompleteSignatureException": "IncompleteSignature", "AccessDeniedException": "AccessDenied",
         "ThrottlingException": "Throttling"}


def get_caller_identity(account, call):
    return {"Arn": call.users.arn(call.user), "UserId": "AIDA" + call.user.access_key_id[4:], "Account": account.number}


def assume_role(account, call):
    """A session with the rights of whoever asks."""
    seconds = call.form.get("DurationSeconds", "3600")
    name = call.form.get("RoleArn", "").rpartition("/")[2]
    if not name or not seconds.isdigit() or not 900 <= int(seconds) <= 43200:
        raise Refusal("ValidationError", 400, "RoleArn or DurationSeconds is not right.")
    ends = account.now() + int(seconds)
    user = call.users.add(name, token=True, expires=ends, allow=call.user.allow, deny=call.user.deny)
    stamp = datetime.datetime.fromtimestamp(ends, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"Credentials": {"AccessKeyId": user.access_key_id, "SecretAccessKey": user.secret,
                            "SessionToken": user.token, "Expiration": stamp},
            "AssumedRoleUser": {"AssumedRoleId": f"AROA:{name}", "Arn": call.users.arn(user)}}


FORMS = {"GetCallerIdentity": get_caller_identity, "AssumeRole": assume_role}


def find(request):
    """(operation, the form) of a request to the path /."""
    form = dict(urllib.parse.parse_qsl(request.body.decode("latin-1")))
    name = form.get("Action", "")
    if request.method != "POST" or name not in FORMS:
        raise Refusal("UnknownOperationException", 404, "No operation of this service has that method and path.")
    return wire.Operation(name, "POST", [""], FORMS[name], True), form


def _elements(value):
    if isinstance(value, dict):
        return "".join(f"<{name}>{_elements(inner)}</{name}>" for name, inner in value.items())
    return escape(str(value))


def xml(name, result):
    return (f'<{name}Response xmlns="{NAMESPACE}"><{name}Result>{_elements(result)}</{name}Result>'
            f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata></{name}Response>").encode()


def refusal(fault):
    error = {"Type": "Sender", "Code": CODES.get(fault.name, fault.name), "Message": fault.message}
    body = (f'<ErrorResponse xmlns="{NAMESPACE}"><Error>{_elements(error)}</Error>'
            f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>")
    return Answer(fault.status, body.encode(), {"Content-Type": "text/xml"})
