"""What is to go wrong, on command of a test.

A fault: {"operation": "CreateThing" or "*" for any, "do": …,
          "when": "before" (usual) or "after" the operation has done its work,
          "skip": how many calls go well first (0), "times": how many then do not (1; null = until it is cleared),
          "path": only calls whose path has this text in it}
"do":
  "throttle"  ThrottlingException; with "retry_after": seconds of the header of that name
  "error"     "status" (500), "error" (its name, "InternalFailureException"), "message"; "shape" tells where the name
              stands: "header" (usual), "type" (__type in the body), "code" (code in the body), "none" (empty body)
  "html"      "status" (200): a page of a proxy
  "delay"     "ms" more
  "mute"      no answer; the connection stays until the caller leaves it
  "hold"      it goes on when the fault is cleared, also when the caller has left by then: it is done late
  "reset"     the connection is reset
  "cut"       the connection ends in the middle of the answer
"""
import itertools
import threading

from wire import Refusal

KINDS = ("throttle", "error", "html", "delay", "mute", "hold", "reset", "cut")
MEMBERS = {"operation", "do", "when", "skip", "times", "path", "retry_after", "status", "error", "message", "shape",
           "ms"}


class Fault:
    def __init__(self, number, spec):
        if set(spec) - MEMBERS or spec.get("do") not in KINDS or spec.get("when", "before") not in ("before", "after"):
            raise ValueError(f"no such fault: {spec}")
        self.number, self.spec, self.do = number, spec, spec["do"]
        self.operation, self.path = spec.get("operation", "*"), spec.get("path", "")
        self.after = spec.get("when") == "after"
        self.skip, self.times = spec.get("skip", 0), spec.get("times", 1)
        self.met = 0
        self.cleared = threading.Event()

    def meets(self, operation, path):
        if self.operation not in ("*", operation) or self.path not in path:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None and self.met >= self.times:
            return False
        self.met += 1
        return True

    def refusal(self):
        """What is said by "throttle" and "error"."""
        spec = self.spec
        if self.do == "throttle":
            return Refusal("ThrottlingException", spec.get("status", 400), "Rate exceeded")
        return Refusal(spec.get("error", "InternalFailureException"), spec.get("status", 500),
                       spec.get("message", "An unexpected error has occurred."))

    def told(self):
        return dict(self.spec, id=self.number, met=self.met)


class Faults:
    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.standing = []

    def add(self, spec):
        with self.lock:
            fault = Fault(next(self.numbers), spec)
            self.standing.append(fault)
            return fault

    def clear(self, number=None):
        """One, or all."""
        with self.lock:
            for fault in [f for f in self.standing if number in (None, f.number)]:
                self.standing.remove(fault)
                fault.cleared.set()

    def find(self, operation, path):
        """The first that this call meets, or None."""
        with self.lock:
            return next((f for f in self.standing if f.meets(operation, path)), None)

    def told(self):
        with self.lock:
            return [f.told() for f in self.standing]
