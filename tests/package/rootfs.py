"""A Debian of its own for a test: the bare system of run.sh, unpacked into a folder and entered by chroot. What is mounted
for that is mounted in a namespace that ends with the command; nothing of this machine is changed."""
import os
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(ROOT, "build", "package")
BASE = os.path.join(WORK, "base.tar")
# With the root as $0, and what to run there as the rest. Its /dev is its own: udev writes there even in a rehearsal.
ENTER = """set -e
mount -t proc proc "$0/proc"
mount -t sysfs -o ro sysfs "$0/sys"
mount -t tmpfs tmpfs "$0/run"
mount -t tmpfs -o mode=755 tmpfs "$0/dev"
for d in null zero full random urandom tty; do touch "$0/dev/$d"; mount --bind "/dev/$d" "$0/dev/$d"; done
mkdir -m 1777 "$0/dev/shm" "$0/dev/pts"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$0/dev/pts"
ln -s pts/ptmx "$0/dev/ptmx"
ln -s /proc/self/fd "$0/dev/fd"
exec "$@" """


class Rootfs:
    """source: another one to copy, instead of the bare system. clean() removes it."""

    def __init__(self, source=None):
        self.path = tempfile.mkdtemp(prefix="root-", dir=WORK)
        if source:
            subprocess.run(["cp", "-a", "--reflink=auto", source.path + "/.", self.path], check=True)
        else:
            subprocess.run(["tar", "-C", self.path, "-xf", BASE], check=True)
            shutil.copy("/etc/resolv.conf", self.file("/etc/resolv.conf"))
            with open(self.file("/etc/hosts"), "w", encoding="ascii") as f:
                f.write("127.0.0.1 localhost\n::1 localhost\n")
        os.chmod(self.path, 0o755)

    def file(self, path):
        return self.path + path

    def read(self, path):
        with open(self.file(path), encoding="utf-8") as f:
            return f.read()

    def command(self, argv, user=None, groups=""):
        """What runs argv in there, as root unless a user (name or number, with its group) is named."""
        who = [f"--userspec={user}", f"--groups={groups}"] if user else []
        return ["unshare", "--mount", "sh", "-c", ENTER, self.path, "/usr/sbin/chroot", *who, self.path, *argv]

    def run(self, *argv, env=None, check=True, **more):
        done = subprocess.run(self.command(argv), capture_output=True, text=True, check=False,
                              env=dict({"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                                        "DEBIAN_FRONTEND": "noninteractive"}, **env or {}), **more)
        if check and done.returncode:
            raise AssertionError(f"{argv} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done

    def install(self, *packages):
        self.run("apt-get", "update", "-qq")
        self.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)

    def clean(self):
        shutil.rmtree(self.path)
