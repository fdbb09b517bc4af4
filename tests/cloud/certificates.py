"""Operations on certificates: made for a request, with a key, or brought along."""
import datetime
import uuid

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

import authority
import wire
from account import page
from wire import operation

MOST_PEM = {"certificateSigningRequest": 4096}
MOST_OTHERS = 65536


def _pem(call, member, needed=True):
    text = call.member(member, needed=needed)
    most = MOST_PEM.get(member, MOST_OTHERS)
    if text is not None and not 1 <= len(text) <= most:
        raise wire.constraint(member, "…", f"Member must have length between 1 and {most}")
    return text


def read_request(text):
    """A signing request that AWS would sign."""
    try:
        request = x509.load_pem_x509_csr(text.encode())
        good = request.is_signature_valid
        public_key = request.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise wire.invalid("The certificate signing request is not in PEM, or not one.") from None
    if not good:
        raise wire.invalid("The signature of the certificate signing request is not right.")
    if not authority.key_is_taken(public_key):
        raise wire.invalid("The key of the certificate signing request is neither RSA of 2048 bits or more nor of the "
                           "curves P-256, P-384, P-521.")
    return request


def _read_certificate(text):
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except (ValueError, UnicodeEncodeError):
        raise wire.Refusal("CertificateValidationException", 400, "The certificate is not valid PEM.") from None


def _made(one):
    return {"certificateArn": one.arn, "certificateId": one.id, "certificatePem": one.pem}


def _status(active):
    return "ACTIVE" if active else "INACTIVE"


def _issue(account, public_key, subject, status):
    return account.add_certificate(account.world.devices.issue(public_key, subject), status)


@operation("POST", "/certificates", locked=False)
def create_certificate_from_csr(account, call):
    request = read_request(_pem(call, "certificateSigningRequest"))
    status = _status(call.flag("setAsActive"))
    with account.lock:
        return _made(_issue(account, request.public_key(), request.subject, status))


@operation("POST", "/keys-and-certificate", locked=False)
def create_keys_and_certificate(account, call):
    status, key = _status(call.flag("setAsActive")), authority.rsa_key()
    with account.lock:
        one = _issue(account, key.public_key(), authority.name("AWS IoT Certificate"), status)
        return _made(one) | {"keyPair": {"PublicKey": authority.public_pem(key), "PrivateKey": authority.key_pem(key)}}


def _register(account, call, **more):
    certificate = _read_certificate(_pem(call, "certificatePem"))
    status = call.member("status") or _status(call.flag("setAsActive"))
    if status not in ("ACTIVE", "INACTIVE"):
        raise wire.Refusal("CertificateStateException", 406, f"A certificate cannot be registered as {status}.")
    if not authority.key_is_taken(certificate.public_key()):
        raise wire.Refusal("CertificateValidationException", 400, "The certificate's key is not supported.")
    there = account.certificates.get(authority.fingerprint(certificate))
    if there:
        raise wire.Refusal("ResourceAlreadyExistsException", 409,
                           "The certificate is already provisioned or registered", resourceId=there.id,
                           resourceArn=there.arn)
    one = account.add_certificate(certificate, status, **more)
    return {"certificateArn": one.arn, "certificateId": one.id}


@operation("POST", "/certificate/register-no-ca")
def register_certificate_without_ca(account, call):
    return _register(account, call, mode="SNI_ONLY")


@operation("POST", "/certificate/register")
def register_certificate(account, call):
    certificate = _read_certificate(_pem(call, "certificatePem"))
    given = _pem(call, "caCertificatePem", needed=False)
    named = authority.fingerprint(_read_certificate(given)) if given else None
    for ca_id, ca in account.cas.items():
        if named in (None, ca_id) and certificate.issuer == ca["x509"].subject \
                and authority.signed_by(certificate, ca["x509"].public_key()):
            if ca["status"] != "ACTIVE":
                raise wire.Refusal("CertificateStateException", 406, "The authority is not active.")
            return _register(account, call, ca_id=ca_id)
    raise wire.Refusal("CertificateValidationException", 400,
                       "The certificate is not signed by an authority that is registered.")


@operation("GET", "/certificates/{certificateId}")
def describe_certificate(account, call):
    one = account.certificate(call.path["certificateId"])
    begin, end = (at.replace(tzinfo=datetime.timezone.utc).timestamp()
                  for at in (one.x509.not_valid_before, one.x509.not_valid_after))
    told = {"certificateArn": one.arn, "certificateId": one.id, "status": one.status, "certificatePem": one.pem,
            "ownedBy": account.number, "creationDate": round(one.created, 3),
            "lastModifiedDate": round(one.modified, 3), "customerVersion": one.version,
            "generationId": one.generation, "validity": {"notBefore": begin, "notAfter": end},
            "certificateMode": one.mode, "transferData": {}}
    return {"certificateDescription": told | ({"caCertificateId": one.ca_id} if one.ca_id else {})}


@operation("PUT", "/certificates/{certificateId}")
def update_certificate(account, call):
    one, status = account.certificate(call.path["certificateId"]), call.query.get("newStatus")
    if status in ("PENDING_TRANSFER", "PENDING_ACTIVATION", "REGISTER_INACTIVE"):
        raise wire.Refusal("CertificateStateException", 406, f"A certificate cannot be set to {status}.")
    if status not in ("ACTIVE", "INACTIVE", "REVOKED"):
        raise wire.constraint("newStatus", status, "Member must satisfy enum value set: [ACTIVE, INACTIVE, REVOKED, "
                              "PENDING_TRANSFER, REGISTER_INACTIVE, PENDING_ACTIVATION]")
    if status != one.status:
        one.status, one.modified, one.version = status, account.now(), one.version + 1


@operation("DELETE", "/certificates/{certificateId}")
def delete_certificate(account, call):
    one, force = account.certificate(call.path["certificateId"]), call.flag("forceDelete")
    if one.status == "ACTIVE":
        raise wire.Refusal("CertificateStateException", 406,
                           f"Certificate must be deactivated (not ACTIVE) before deletion. (id: {one.id})")
    for what, links in (("Things", [t.principals for t in account.things_of(one.arn)]),
                        ("Certificate policies", [p.targets for p in account.policies_of(one.arn)])):
        if links and not force:
            raise wire.conflict(f"{what} must be detached before deletion (arn: {one.arn})")
        for kept in links:
            del kept[one.arn]
    del account.certificates[one.id]


@operation("GET", "/certificates")
def list_certificates(account, call):
    ascending = call.flag("isAscendingOrder")
    found = sorted(account.certificates.values(), key=lambda one: one.created, reverse=not ascending)
    some, mark = page([(one.id, {"certificateArn": one.arn, "certificateId": one.id, "status": one.status,
                                 "certificateMode": one.mode, "creationDate": round(one.created, 3)}) for one in found],
                      call.query.get("marker"), call.number("pageSize", 1, 250, 25))
    return {"certificates": some} | ({"nextMarker": mark} if mark else {})


# ---- authorities ----

@operation("GET", "/registrationcode")
def get_registration_code(account, _call):
    return {"registrationCode": account.registration_code}


@operation("POST", "/cacertificate")
def register_ca_certificate(account, call):
    """In DEFAULT mode a certificate of it for the registration code proves that its key is at hand; SNI_ONLY needs
    none."""
    ca = _read_certificate(_pem(call, "caCertificate"))
    ca_id, sni_only = authority.fingerprint(ca), call.member("certificateMode") == "SNI_ONLY"
    proof = call.member("verificationCertificate")
    if not sni_only:
        certificate = _read_certificate(proof or "")
        names = [a.value for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if names != [account.registration_code] or not authority.signed_by(certificate, ca.public_key()):
            raise wire.Refusal("RegistrationCodeValidationException", 400,
                               "The verification certificate is not for this account's registration code.")
    if ca_id in account.cas:
        raise wire.exists("CA certificate", ca_id, account.arn(f"cacert/{ca_id}"))
    account.cas[ca_id] = {"x509": ca, "status": _status(call.flag("setAsActive")), "id": str(uuid.uuid4())}
    return {"certificateArn": account.arn(f"cacert/{ca_id}"), "certificateId": ca_id}
