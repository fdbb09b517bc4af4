"""The control plane: who calls is found out by the signature, what may be called by permissions and rates, and what
goes wrong by the faults that stand."""
import email.utils
import json
import threading
import traceback
import urllib.parse
import uuid

import certificates  # noqa: F401  (the operations are in these)
import data  # noqa: F401
import endpoints  # noqa: F401
import policies  # noqa: F401
import sigv4
import sts
import templates  # noqa: F401
import things  # noqa: F401
import wire
from server import Answer, Counters
from wire import Refusal

PROXY_PAGE = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please log in here.</body></html>"
NAMES = ("thingName", "certificateId", "policyName", "thingGroupName", "templateName")  # told of what was made


class Journal:
    """Each call: when it arrived, and what became of it."""

    def __init__(self):
        self.changed = threading.Condition()
        self.events, self.calls = [], 0

    def arrived(self, **what):
        with self.changed:
            self.calls += 1
            self._add(call=self.calls, event="arrived", **what)
            return self.calls

    def _add(self, **event):
        self.events.append({"seq": len(self.events) + 1, **event})
        self.changed.notify_all()

    def done(self, call, operation, body):
        self.add(call=call, event="done", operation=operation, **{n: body[n] for n in NAMES if n in (body or {})})

    def add(self, **event):
        with self.changed:
            self._add(**event)

    def last(self):
        with self.changed:
            return len(self.events)

    def since(self, seq, seconds):
        """Events after that one; waits so long for the first of them."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.events) > seq, seconds)
            return self.events[seq:]


class Control:
    def __init__(self, account, users, rates, faults):
        self.account, self.users, self.rates, self.faults = account, users, rates, faults
        self.journal, self.counters = Journal(), Counters()
        self.messages = Journal()  # published over HTTPS: a broker passes them on

    def serve(self, request, _connection):
        try:
            operation, path = wire.find(request.method, request.path) if request.path != "/" else sts.find(request)
            name = operation.name
        except Refusal as refusal:
            operation, path, name = None, refusal, "Unknown"
        call = self.journal.arrived(operation=name, method=request.method, path=urllib.parse.unquote(request.path),
                                    query=request.query)
        fault = self.faults.find(name, urllib.parse.unquote(request.path))
        before, after = (None, fault) if fault and fault.after else (fault, None)
        self.wait(before)
        answer, error = self._instead(before, name)
        done = answer is None
        if done:
            answer, error = self._answer(request, operation, path, call)
        self.wait(after)
        answer = self._instead(after, name)[0] or answer
        if fault and fault.do == "cut":
            answer.do = "cut"
        answer.headers |= {"x-amzn-RequestId": str(uuid.uuid4()),
                           "Date": email.utils.formatdate(self.account.now(), usegmt=True)}
        self._count(name, error, done)
        self.journal.add(call=call, event="answered", operation=name, status=answer.status if not answer.do else 0,
                         error=error, request_id=answer.headers["x-amzn-RequestId"], done=done and not error,
                         fault=fault and fault.do)
        return answer

    def _answer(self, request, operation, path, call):
        """(answer, the error's name or "")"""
        try:
            user = self._user(request, operation)
            if operation is None:
                raise path
            body = self._perform(request, operation, path, user)
            self.journal.done(call, operation.name, body)
            if operation.name in sts.FORMS:
                return Answer(200, sts.xml(operation.name, body), {"Content-Type": "text/xml"}), ""
            raw = b"" if body is None else json.dumps(body).encode()
            return Answer(200, raw, {"Content-Type": "application/json"}), ""
        except Refusal as refusal:
            if operation and operation.name in sts.FORMS:
                return sts.refusal(refusal), refusal.name
            return self.refuse(refusal), refusal.name
        except Exception:  # whatever a caller sends is answered, and a fault of this program seen in its output
            traceback.print_exc()
            return self.refuse(Refusal("InternalFailureException", 500, "An unexpected error has occurred.")), "crash"

    def _user(self, request, operation):
        service = "sts" if operation and operation.name in sts.FORMS else "iot"
        return sigv4.verify(request, self.users, self.account.region, service, self.account.now())

    def _perform(self, request, operation, path, user):
        account = self.account
        headers = {name.lower(): value for name, value in request.headers}
        of_iot = operation.name not in sts.FORMS
        if of_iot:
            self.users.check(user, f"iot:{operation.name}", self._resource(operation, path))
            if not self.rates.take(operation.name):
                raise Refusal("ThrottlingException", 400, "Rate exceeded")
        call = wire.Call(operation, path, request.query, headers, request.body if of_iot else b"", user)
        call.form, call.users = path, self.users
        if not operation.locked:
            return operation.serve(account, call)
        with account.lock:
            account.tick()
            return operation.serve(account, call)

    def _resource(self, operation, path):
        kinds = {"thingName": "thing", "policyName": "policy", "certificateId": "cert", "thingGroupName": "thinggroup",
                 "thingTypeName": "thingtype", "templateName": "provisioningtemplate"}
        for member, kind in kinds.items():
            if member in path:
                return self.account.arn(f"{kind}/{path[member]}")
        return "*"

    @staticmethod
    def refuse(refusal, shape="header"):
        body = {"message": refusal.message, **refusal.more}
        if refusal.name == "AccessDeniedException":  # of another origin than the rest, and spelt otherwise
            body = {"Message": refusal.message}
        headers = {"Content-Type": "application/json"}
        if shape == "header":
            headers["x-amzn-ErrorType"] = refusal.name + ":"
        elif shape == "type":
            body["__type"] = f"com.amazonaws.iot#{refusal.name}"
        elif shape == "code":
            body["code"] = refusal.name
        raw = b"" if shape == "none" else json.dumps(body).encode()
        return Answer(refusal.status, raw, headers)

    def _instead(self, fault, name):
        """(a fault's own answer, the error in it), or (None, "") if it has none."""
        spec = fault.spec if fault else {}
        if fault is None or fault.do in ("hold", "delay", "cut"):
            return None, ""
        if fault.do in ("mute", "reset"):
            return Answer(0, do=fault.do), fault.do
        if fault.do == "html":
            return Answer(spec.get("status", 200), PROXY_PAGE, {"Content-Type": "text/html"}), fault.do
        refusal = fault.refusal()
        answer = sts.refusal(refusal) if name in sts.FORMS else self.refuse(refusal, spec.get("shape", "header"))
        if "retry_after" in spec:
            answer.headers["Retry-After"] = str(spec["retry_after"])
        return answer, refusal.name

    @staticmethod
    def wait(fault):
        if fault and fault.do == "delay":
            fault.cleared.wait(fault.spec.get("ms", 0) / 1000)
        elif fault and fault.do == "hold":
            fault.cleared.wait()

    def _count(self, operation, error, done):
        self.counters.add("calls")
        self.counters.add(f"calls.{operation}")
        if error:
            self.counters.add(f"errors.{error}" if done else f"faults.{error}")
        if error == "ThrottlingException":
            self.counters.add("throttled")
