"""Who may call: users with keys that last, and sessions with a token and an end."""
import dataclasses
import secrets

from policy_language import fits
from wire import Refusal


@dataclasses.dataclass
class User:
    access_key_id: str
    secret: str
    name: str
    token: str = None
    expires: float = None  # Unix time
    allow: list = dataclasses.field(default_factory=lambda: ["*"])
    deny: list = dataclasses.field(default_factory=list)

    def may(self, action):
        return any(fits(a, action, True) for a in self.allow) and not any(fits(a, action, True) for a in self.deny)


class Users:
    def __init__(self, account):
        self.partition, self.number = account.partition, account.number
        self.by_key = {}

    def add(self, name, token=False, expires=None, key_id=None, secret=None, allow=None, deny=None):
        """Also anew, for one that is there. token: a text, or True for one made here."""
        key_id = key_id or ("ASIA" if token else "AKIA") + secrets.token_hex(8).upper()
        user = self.by_key[key_id] = User(key_id, secret or secrets.token_urlsafe(30), name,
                                          secrets.token_urlsafe(200) if token is True else token or None, expires)
        user.allow = ["*"] if allow is None else allow
        user.deny = deny or []
        return user

    def forget_added(self):
        """All but the first."""
        self.by_key = dict(list(self.by_key.items())[:1])

    def find(self, key_id, token, now):
        user = self.by_key.get(key_id)
        if user is None or user.token != token:
            raise Refusal("UnrecognizedClientException", 403, "The security token included in the request is invalid.")
        if user.expires is not None and now >= user.expires:
            raise Refusal("ExpiredTokenException", 403, "The security token included in the request is expired")
        return user

    def arn(self, user):
        if user.token:
            return f"arn:{self.partition}:sts::{self.number}:assumed-role/{user.name}/session"
        return f"arn:{self.partition}:iam::{self.number}:user/{user.name}"

    def check(self, user, action, resource):
        if not user.may(action):
            raise Refusal("AccessDeniedException", 403,
                          f"User: {self.arn(user)} is not authorized to perform: {action} on resource: {resource}")


