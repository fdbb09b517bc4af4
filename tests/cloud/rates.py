"""How often each operation may be called: AWS's own default rates, token buckets that hold a second's worth."""
import threading
import time

PER_SECOND = {
    350: ["DescribeThing"],
    100: ["CreateThing", "UpdateThing", "DeleteThing", "AttachThingPrincipal", "AddThingToThingGroup",
          "RemoveThingFromThingGroup", "DescribeThingGroup"],
    25: ["CreateThingGroup"],
    15: ["CreateCertificateFromCsr", "AttachPolicy", "DetachPolicy", "ListAttachedPolicies"],
    5: ["GetEffectivePolicies"],
    20: ["ListThingPrincipals", "ListThingPrincipalsV2", "FleetCreateCertificateFromCsr"],
}
RATES = {name: rate for rate, names in PER_SECOND.items() for name in names}
OTHERS = 10


class Rates:
    def __init__(self, percent=100):
        self.percent = percent  # 0: no limits
        self.lock = threading.Lock()
        self.buckets = {}  # operation → (tokens, when)

    def take(self, operation):
        """Is this call within the rate?"""
        if not self.percent:
            return True
        rate = RATES.get(operation, OTHERS) * self.percent / 100
        most = max(rate, 1)
        with self.lock:
            now = time.monotonic()
            tokens, when = self.buckets.get(operation, (most, now))
            tokens = min(most, tokens + (now - when) * rate)
            within = tokens >= 1
            self.buckets[operation] = (tokens - within, now)
        return within
