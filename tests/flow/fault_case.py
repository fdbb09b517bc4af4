"""What tests of failures share."""
import harness


class FaultCase(harness.BenchCase):
    def fails(self, kind, code, step, board=None, **more):
        """A job that fails so; its error is whole. The error."""
        job = self.bench.run(kind, board or self.bench.boards[0], state="failed", **more)
        error = job["error"]
        self.assertEqual((error["code"], error["step"]), (code, step), error)
        self.assertTrue(error["detail"], error)
        self.assertTrue(error["hint"], error)
        failed = [s for s in job["steps"] if s["state"] == "failed"]
        self.assertEqual([s["name"] for s in failed], [step])
        return error

    def replug(self, **changes):
        board = self.bench.boards[0]
        board.stop()
        board.start(**changes)

    def works_again(self):
        """The slot takes the next job, on a board that is in order."""
        self.bench.run("write", self.bench.boards[0], method="rom")
        self.bench.run("at", self.bench.boards[0], lines=["AT"])
