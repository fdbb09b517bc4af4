"""The container: built without an engine, on the bare system of run.sh in the place of debian:bookworm-slim. Its content is
what is tested here; that an engine confines it is the engine's."""
import json
import os
import subprocess
import time
import unittest

import rootfs
from daemon import PATIENCE, Daemon, free_port

MAX_MB = 130
STORE = os.path.join(rootfs.WORK, "containers")
VERSION = "0.0.0+package-test"


def buildah(*argv):
    done = subprocess.run(["buildah", "--root", STORE + "/root", "--runroot", STORE + "/run", *argv], cwd=rootfs.ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"buildah {argv}: {done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout.strip()


def build(target):
    """Layers that are there already are taken from the store, as with an engine."""
    name = f"espgate-{target}"
    began = time.monotonic()
    buildah("bud", "--isolation", "chroot", "--pull=never", "--layers", "--format", "docker", "--build-arg",
            "BASE=localhost/espgate-base", "--build-arg", f"VERSION={VERSION}", "--target", target, "-f",
            "docker/Dockerfile", "-t", name, ".")
    print(f"* {target}: built in {time.monotonic() - began:.0f} s")
    return name


def build_base():
    if "localhost/espgate-base:latest" in buildah("images", "--format", "{{.Name}}:{{.Tag}}"):
        return
    container = buildah("from", "scratch")
    buildah("add", container, rootfs.BASE, "/")
    buildah("config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
    buildah("commit", "--rm", container, "espgate-base")


class Mounted(rootfs.Rootfs):
    """A container's file system, and how the image wants to be run."""

    def __init__(self, image):
        self.container = buildah("from", "--pull=never", image)
        self.path = buildah("mount", self.container)
        self.config = json.loads(buildah("inspect", self.container))["Docker"]["config"]
        self.environment = dict(e.split("=", 1) for e in self.config["Env"])

    def user(self):
        """(user:group, groups) in numbers, as an engine finds them in the image."""
        name = self.config["User"]
        user = next(line.split(":") for line in self.read("/etc/passwd").splitlines() if line.startswith(name + ":"))
        groups = [line.split(":") for line in self.read("/etc/group").splitlines()]
        return f"{user[2]}:{user[3]}", ",".join(g[2] for g in groups if name in g[3].split(","))

    def start(self, argv, env, port, **more):
        command = self.command([*self.config["Entrypoint"], *argv], *self.user())
        return Daemon(command, dict(self.environment, **env), port, **more)

    def call(self, daemon, *argv):
        """What runs beside it, as `docker exec` would."""
        return subprocess.Popen(self.command(argv, *self.user()), env=daemon.env, stdout=subprocess.PIPE, text=True)

    def is_healthy(self, daemon):
        kind, *command = self.config["Healthcheck"]["Test"]
        assert kind == "CMD", kind
        with self.call(daemon, *command) as check:
            check.communicate(timeout=PATIENCE)
            return check.returncode == 0

    def clean(self):
        buildah("rm", self.container)


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        build_base()
        cls.image = Mounted(build("runtime"))
        cls.addClassCleanup(cls.image.clean)

    def start(self):
        port = free_port()
        daemon = self.image.start([], {"ESPGATE_LISTEN": f"127.0.0.1:{port}"}, port)
        self.addCleanup(daemon.stop)
        return daemon

    def test_it_is_small(self):
        done = subprocess.run(["du", "-sb", self.image.path], stdout=subprocess.PIPE, text=True, check=True)
        size = int(done.stdout.split()[0]) / 1e6
        print(f"* runtime: {size:.1f} MB of files")
        self.assertLess(size, MAX_MB)

    def test_it_holds_nothing_to_build_with(self):
        for tool in ("cc", "gcc", "make", "git", "python3"):
            self.assertFalse(os.path.lexists(self.image.file("/usr/bin/" + tool)), tool)
        self.assertEqual([x for x in os.listdir(self.image.path) if x == "src"], [])

    def test_it_runs_as_its_own_user_and_turns_healthy(self):
        began = time.monotonic()
        daemon = self.start()
        healthy = self.image.is_healthy(daemon)
        print(f"* runtime: listens after {daemon.start_s * 1e3:.0f} ms, healthy after {(time.monotonic() - began) * 1e3:.0f} ms")
        self.assertTrue(healthy)
        self.assertIn(VERSION, daemon.said)
        self.assertEqual(daemon.ids(), (["850"] * 3, ["850"] * 3, ["20"]))  # dialout
        token = self.image.read("/var/lib/espgate/admin.token").strip()
        self.assertIn(b"<!doctype html>", daemon.get("/")[1])
        self.assertEqual(daemon.get("/v1/ports")[0], 401)
        self.assertEqual(daemon.get("/v1/ports", token)[0], 200)
        self.assertEqual(os.stat(self.image.file("/var/lib/espgate/vault.key")).st_mode & 0o7777, 0o600)
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(self.image.is_healthy(daemon))  # nobody answers there any more

    def test_it_finds_the_libraries_that_it_loads_later(self):
        found = self.image.run("ldconfig", "-p").stdout
        self.assertIn("libcurl.so.4", found)
        self.assertNotIn("not found", self.image.run("ldd", "/usr/local/bin/espgate").stdout)
        self.assertTrue(os.path.exists(self.image.file("/etc/ssl/certs/ca-certificates.crt")))

    def test_it_keeps_to_its_folder(self):
        self.assertEqual(list(self.image.config["Volumes"]), ["/var/lib/espgate"])
        self.assertEqual(self.image.environment["ESPGATE_DATA"], "/var/lib/espgate")


class Demo(unittest.TestCase):
    """The two containers of compose.yaml's profile `demo`, in one file system: so they have one volume."""

    @classmethod
    def setUpClass(cls):
        build_base()
        cls.image = Mounted(build("demo"))
        cls.addClassCleanup(cls.image.clean)

    def start(self, name, ready, env):
        began = time.monotonic()
        daemon = self.image.start([name], dict(env, DEMO_RUN="/tmp/" + name), int(env["DEMO_PORT"]), ready=ready)
        self.addCleanup(daemon.stop)
        self.assertTrue(self.image.is_healthy(daemon), daemon.said)
        print(f"* demo: {name} healthy after {time.monotonic() - began:.1f} s")
        return daemon

    def ended(self, boards, job):
        token = self.image.read("/tmp/boards/data/admin.token").strip()
        until = time.monotonic() + 5 * PATIENCE
        while job["state"] in ("queued", "running") and time.monotonic() < until:
            job = json.loads(boards.get(f"/v1/jobs/{job['id']}?wait=60", token)[1])
        return job

    def test_its_boards_are_provisioned_as_it_says(self):
        env = {"DEMO_PORT": str(free_port()), "DEMO_BROKER_PORT": str(free_port())}
        broker = self.start("broker", " running", env)
        boards = self.start("boards", '"slot":"new"', env)
        said = [line.strip() for line in boards.said.splitlines() if line.startswith("  curl ")]
        self.assertEqual(len(said), 2, boards.said)
        began = time.monotonic()
        calls = [self.image.call(boards, "sh", "-c", line) for line in said]
        jobs = [self.ended(boards, json.loads(call.communicate(timeout=2 * PATIENCE)[0])) for call in calls]
        self.assertEqual([(job["state"], job["error"]) for job in jobs], [("succeeded", None)] * 2)
        print(f"* demo: two boards provisioned in {time.monotonic() - began:.0f} s")
        self.assertEqual((boards.stop(), broker.stop()), (0, 0))


class Compose(unittest.TestCase):
    def test_it_is_valid(self):
        done = subprocess.run(["docker-compose", "-f", "docker/compose.yaml", "--profile", "demo", "config", "--services"],
                              cwd=rootfs.ROOT, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(done.stdout.split()), ["boards", "broker", "espgate"])
