"""A writer that notes what was acknowledged, and the reader that looks for all of it."""

import subprocess

from cluster import LOAD, run, wait_until


class Load:
    """A writer that notes in a file what was acknowledged."""

    def __init__(self, cluster, bucket="default", in_flight=64, a_second=0):
        self.cluster, self.bucket = cluster, bucket
        self.file = cluster.path("acknowledged")
        self.process = subprocess.Popen(
            [LOAD, "write", "--bucket", bucket, "--in-flight", str(in_flight),
             "--a-second", str(a_second), "--acknowledged", self.file, *cluster.seeds()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def acknowledged(self):
        try:
            with open(self.file, "rb") as lines:
                return sum(1 for _ in lines)
        except FileNotFoundError:
            return 0

    def wait_for(self, more):
        target = self.acknowledged() + more
        wait_until(lambda: self.acknowledged() >= target, f"{target} acknowledged writes")

    def stop(self):
        """Ends the writer; its report: acknowledged, failed and the longest request."""
        out, _ = self.process.communicate(input="", timeout=120)
        if self.process.returncode != 0:
            raise AssertionError(f"the writer ended with {self.process.returncode}: {out}")
        report = dict(part.split("=") for part in out.split())
        return {name: float(value) for name, value in report.items()}

    def verify(self, test):
        code, out, errors = run([LOAD, "verify", "--bucket", self.bucket, "--acknowledged",
                                 self.file, *self.cluster.seeds()])
        test.assertEqual(code, 0, out + errors)
