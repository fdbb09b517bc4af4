"""Who may call what: tokens and their scopes, certificates, pages of other origins, names that are not ours."""
import os
import re
import signal
import stat
import subprocess
import unittest

import contract
import harness
import raw
import strangers
from child import PATIENCE, Child

CONCURRENT = True  # also run under TSan
SCOPES = ("viewer", "operator", "engineer", "admin")
PAGE, STRANGE = "https://dashboard.example", "https://elsewhere.example"


class AccessCase(unittest.TestCase):
    gate_args = ()

    @classmethod
    def setUpClass(cls):
        cls.judge = contract.Contract()
        cls.bench = harness.Bench(boards=0, broker=False, gate_args=cls.gate_args)
        cls.bench.__enter__()
        cls.addClassCleanup(cls.bench.__exit__, None, None, None)
        cls.gate = cls.bench.gate

    def make(self, scope, name="somebody", **more):
        """A new token's record, with its text."""
        made = self.gate.post("/v1/tokens", {"name": name, "scope": scope, **more}).expect(201).json
        self.bench.secrets.add(made["token"])
        return made

    def call(self, token, method="GET", path="/v1/slots", **more):
        headers = {"Authorization": token and f"Bearer {token}", **more.pop("headers", {})}
        return self.gate.request(method, path, headers=headers, **more)


class Tokens(AccessCase):
    def test_every_operation_with_every_scope(self):
        """Whoever is let in is told that the query is wrong: nothing is done, and no stream begins."""
        tokens = {scope: self.make(scope)["token"] for scope in SCOPES}
        for number, ((method, template), operation) in enumerate(self.judge.operations.items()):
            needed, path = operation["x-scope"], strangers.path_of(template) + "?nosuch=1"
            for has in (None, *SCOPES):
                with self.subTest(f"{has}: {method} {path}"):
                    reply = self.call(tokens.get(has), method, path, source=f"127.0.7.{number}")
                    self.assertEqual(self.judge.judge(method, path, reply)[0], [], str(reply))
                    if needed == "public" or (has and SCOPES.index(has) >= SCOPES.index(needed)):
                        reply.problem(400, "bad_query")
                    elif has is None:
                        reply.problem(401, "token_required")
                        self.assertEqual(reply.headers["WWW-Authenticate"], 'Bearer realm="espgate"')
                    else:
                        self.assertIn(f"needs the scope {needed}", reply.problem(403, "missing_scope")["detail"])
                        self.assertEqual(reply.headers["WWW-Authenticate"],
                                         f'Bearer realm="espgate", error="insufficient_scope", scope="{needed}"')

    def test_what_is_no_token_is_refused(self):
        good = self.make("viewer")["token"]
        for number, field in enumerate(("", "Bearer", "Bearer ", "Basic YTpi", good, f"Bearer {good[:-1]}", f"Bearer {good}0",
                                        f"Bearer {good.upper()}", f"Bearer {good} {good}", f"Token {good}")):
            with self.subTest(field):
                reply = self.gate.get("/v1/slots", headers={"Authorization": field}, source=f"127.0.6.{number}")
                self.assertIn(reply.expect(401).json["code"], ("token_required", "token_invalid"))
        for field in (f"bearer {good}", f"BEARER   {good}"):
            self.gate.get("/v1/slots", headers={"Authorization": field}).expect(200)

    def test_the_answer_comes_before_the_body(self):
        with raw.Connection(self.gate) as c:
            c.send("\r\n".join(["POST /v1/firmware HTTP/1.1", "Host: x", "Content-Type: application/octet-stream",
                                "Content-Length: 60000000", "Expect: 100-continue", "", ""]))
            c.reply("POST", "/v1/firmware").problem(401, "token_required")

    def test_a_revoked_one_is_refused_at_once_and_for_good(self):
        made = self.make("operator")
        self.call(made["token"]).expect(200)
        used = self.gate.get(f"/v1/tokens/{made['id']}").expect(200).json
        self.assertIsNotNone(used["used_at"])
        self.assertEqual(used["created_by"], "admin")
        self.assertNotIn("token", used)
        self.gate.delete(f"/v1/tokens/{made['id']}").expect(204)
        reply = self.call(made["token"])
        reply.problem(401, "token_revoked")
        self.assertEqual(reply.headers["WWW-Authenticate"], 'Bearer realm="espgate", error="invalid_token"')
        self.gate.kill9()
        self.gate.start()
        self.call(made["token"]).problem(401, "token_revoked")
        self.assertIsNotNone(self.gate.get(f"/v1/tokens/{made['id']}").expect(200).json["revoked_at"])

    def test_with_a_token_end_the_streams_that_it_opened(self):
        made, other = self.make("viewer"), self.make("viewer")
        with raw.Connection(self.gate) as c, raw.Connection(self.gate) as stays:
            for connection, one in ((c, made), (stays, other)):
                connection.send(f"GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {one['token']}\r\n\r\n")
                connection.until(b"retry: ")
            self.gate.delete(f"/v1/tokens/{made['id']}").expect(204)
            self.gate.put("/v1/slots/told", {"at_port": "/dev/nowhere"}).expect(200, 201)
            self.assertNotIn(b"slot.changed", c.until(b"0\r\n\r\n"))
            stays.until(b"slot.changed")

    def test_one_that_was_answered_survives_a_kill(self):
        made = self.make("viewer", expires_in=3600)
        self.gate.kill9()
        self.gate.start()
        self.call(made["token"]).expect(200)
        self.assertEqual(self.gate.get(f"/v1/tokens/{made['id']}").json["expires_at"], made["expires_at"])

    def test_each_is_told_who_he_is(self):
        page = re.search(r"/ui/(\w+)/", self.gate.get("/").expect(200).body.decode()).group(1)
        version = self.gate.get("/healthz").json["version"]
        for scope in SCOPES:
            made = self.make(scope, name=f"a-{scope}", **({"expires_in": 3600} if scope == "viewer" else {}))
            reply = self.call(made["token"], path="/v1/me")
            self.assertEqual(self.judge.judge("GET", "/v1/me", reply)[0], [])
            self.assertEqual(reply.json, {"name": f"a-{scope}", "scope": scope, "method": "token", "token": made["id"],
                                          "expires_at": made["expires_at"], "version": version, "ui": page})
        self.assertIsNone(self.gate.get("/v1/me").json["expires_at"])
        self.gate.get("/v1/me", headers={"Authorization": None}).problem(401, "token_required")

    def test_two_admins_may_revoke_each_other_but_not_themselves(self):
        other = self.make("admin", name="other")
        self.call(other["token"], "DELETE", f"/v1/tokens/{other['id']}").problem(409, "own_token")
        self.call(other["token"]).expect(200)
        self.gate.delete(f"/v1/tokens/{other['id']}").expect(204)

    def test_failures_lock_strangers_out_but_nobody_who_has_a_token(self):
        here = "127.0.5.1"
        log = self.gate.child.mark()
        for _ in range(strangers.TRIES):
            self.call("egt_no", source=here).problem(401, "token_invalid")
        reply = self.call("egt_no", source=here)
        reply.problem(429, "too_many_failures")
        self.assertIn(int(reply.headers["Retry-After"]), range(50, 61))
        self.call(None, source=here).problem(429, "too_many_failures")
        self.call(self.gate.token, source=here).expect(200)
        self.call("egt_no", source=here).problem(429, "too_many_failures")
        self.gate.child.wait_line(rf"warn \S+ address locked out .*address={here} seconds=60", since=log)
        self.call("egt_no", source="127.0.5.2").problem(401, "token_invalid")
        self.gate.get("/healthz", headers={"Authorization": None}, source=here).expect(200)

    def test_the_first_token_is_for_its_owner_alone(self):
        mode = os.stat(os.path.join(self.gate.data, "admin.token")).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_a_page_of_another_origin_is_refused_and_hears_nothing(self):
        for origin in (STRANGE, "null", "http://127.0.0.1", f"https://127.0.0.1:{self.gate.port}.example"):
            reply = self.gate.post("/v1/jobs", {}, headers={"Origin": origin})
            reply.problem(403, "origin_not_allowed")
            self.assertNotIn("Access-Control-Allow-Origin", reply.headers)
        self.gate.request("OPTIONS", "/v1/jobs", headers={"Origin": STRANGE, "Access-Control-Request-Method": "POST"}) \
            .problem(403, "origin_not_allowed")
        own = self.gate.get("/v1/slots", headers={"Origin": f"http://127.0.0.1:{self.gate.port}"}).expect(200)
        self.assertNotIn("Access-Control-Allow-Origin", own.headers)
        self.gate.request("OPTIONS", "/v1/jobs").problem(405, "bad_method")


class Pages(AccessCase):
    gate_args = ("--origin", PAGE, "--origin", "http://bench-pc:8080")

    def test_a_browser_lets_a_page_of_a_listed_origin_call(self):
        ask = {"Authorization": None, "Origin": PAGE, "Access-Control-Request-Method": "PUT",
               "Access-Control-Request-Headers": "authorization, if-match"}
        reply = self.gate.request("OPTIONS", "/v1/slots/a", headers=ask).expect(204)
        self.assertEqual(reply.headers["Access-Control-Allow-Origin"], PAGE)
        self.assertEqual(reply.headers["Vary"], "Origin")
        self.assertIn("PUT", reply.headers["Access-Control-Allow-Methods"].split(", "))
        allowed = reply.headers["Access-Control-Allow-Headers"].lower().split(", ")
        self.assertLessEqual({"authorization", "if-match", "content-type", "idempotency-key"}, set(allowed))
        self.assertNotIn("Access-Control-Allow-Credentials", reply.headers)
        self.gate.request("OPTIONS", "/v1/nowhere", headers=ask).problem(404, "no_such_path")

    def test_its_requests_are_answered_with_what_the_browser_asks_for(self):
        for origin in (PAGE, "http://bench-pc:8080"):
            for path, status in (("/v1/slots", 200), ("/v1/jobs/job_0", 404)):
                reply = self.gate.get(path, headers={"Origin": origin}).expect(status)
                self.assertEqual(reply.headers["Access-Control-Allow-Origin"], origin)
                self.assertIn("X-Request-Id", reply.headers["Access-Control-Expose-Headers"])
        reply = self.gate.get("/v1/slots", headers={"Origin": PAGE, "Authorization": None}).expect(401)
        self.assertEqual(reply.headers["Access-Control-Allow-Origin"], PAGE)

    def test_caches_know_that_the_origin_matters(self):
        reply = self.gate.get("/openapi.json").expect(200)
        self.assertIn("Origin", reply.headers["Vary"])
        self.assertNotIn("Access-Control-Allow-Origin", reply.headers)

    def test_other_pages_stay_out(self):
        self.gate.get("/v1/slots", headers={"Origin": STRANGE}).problem(403, "origin_not_allowed")


class Open(AccessCase):
    gate_args = ("--auth", "none", "--origin", PAGE)

    def test_everybody_may_do_everything(self):
        self.assertIsNone(self.gate.token)
        self.gate.get("/v1/tokens").expect(200)
        me = self.gate.get("/v1/me").expect(200).json
        self.assertEqual((me["name"], me["scope"], me["method"], me["token"]), ("anonymous", "admin", "none", None))
        self.gate.put("/v1/slots/a", {"at_port": "/dev/nowhere"}).expect(201)

    def test_but_not_under_a_name_that_a_page_could_point_here(self):
        for host in ("evil.example", f"evil.example:{self.gate.port}", "localhost.evil.example"):
            with self.subTest(host):
                self.gate.get("/v1/slots", headers={"Host": host}).problem(421, "host_not_allowed")
        for host in ("localhost", "127.0.0.1:1", "[::1]:80", "dashboard.example"):
            self.gate.get("/v1/slots", headers={"Host": host}).expect(200)

    def test_and_not_for_other_pages(self):
        self.gate.put("/v1/slots/b", {"at_port": "/dev/nowhere"}, headers={"Origin": STRANGE}).problem(403, "origin_not_allowed")
        self.gate.get("/v1/slots/b").problem(404, "slot_not_found")
        self.gate.put("/v1/slots/b", {"at_port": "/dev/nowhere"}, headers={"Origin": PAGE}).expect(201)


class Start(unittest.TestCase):
    def test_it_does_not_listen_where_strangers_come_in(self):
        with harness.Bench(boards=0, broker=False, gate=False) as bench:
            for args, says in ((["--auth", "none"], "asks nobody"), ([], "without TLS")):
                argv = [os.path.join(harness.BIN, "espgate"), "--listen", "0.0.0.0:0", "--data",
                        os.path.join(bench.folder, "data"), *args]
                done = subprocess.run(argv, capture_output=True, timeout=PATIENCE, check=False)
                self.assertEqual((done.returncode, done.stdout), (1, b""), done.stderr)
                self.assertIn(b"unsafe_listener", done.stderr)
                self.assertIn(says.encode(), done.stderr)
                self.assertIn(b"--insecure", done.stderr)
                child = Child("espgate", [*argv, "--insecure"])
                child.wait_line(r"^espgate \S+ listening on http://0\.0\.0\.0:\d+$")
                child.stop(signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
