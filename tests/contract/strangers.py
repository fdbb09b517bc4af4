"""What every operation that has a scope says to those who may not call it."""

LOCKED = "127.0.9.9"
TRIES = 10  # LOCKOUT_TRIES


def path_of(template):
    """One that fits it, of nothing that is there."""
    return "/".join("a" if part.startswith("{") else part for part in template.split("/"))


def call(gate, contract):
    """Each operation without a token, from an address that is locked out, and by a page of another origin. Failures
    count by address: each operation is called from one of its own."""
    for _ in range(TRIES + 1):
        gate.get("/v1/slots", headers={"Authorization": None}, source=LOCKED)
    closed = [(method, path_of(template)) for (method, template), operation in contract.operations.items()
              if operation["x-scope"] != "public"]
    for number, (method, path) in enumerate(closed):
        reply = gate.request(method, path, headers={"Authorization": None}, source=f"127.0.8.{number}")
        reply.problem(401, "token_required")
        gate.request(method, path, headers={"Authorization": "Bearer no"}, source=LOCKED).problem(429, "too_many_failures")
        gate.request(method, path, headers={"Origin": "https://elsewhere.example"}).problem(403, "origin_not_allowed")
