"""The operation that tells an account's endpoints."""
import wire
from wire import operation


@operation("GET", "/endpoint")
def describe_endpoint(account, call):
    kind = call.query.get("endpointType", "iot:Data")
    legacy = f"a1b2c3d4e5f6g7.iot.{account.region}.amazonaws.com"
    known = {"iot:Data-ATS": account.settings.endpoint, "iot:Data": legacy,
             "iot:CredentialProvider": account.settings.credential_endpoint or account.settings.endpoint,
             "iot:Jobs": f"a1b2c3d4e5f6g7.jobs.iot.{account.region}.amazonaws.com"}
    if kind not in known:
        raise wire.invalid(f"Endpoint type {kind} is not supported")
    return {"endpointAddress": known[kind]}
