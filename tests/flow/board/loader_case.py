"""What tests of a ROM's loader share."""
import unittest

import espboard

QUIET = 0.2  # how long a dead loader is waited for


class LoaderCase(unittest.TestCase):
    chip = "esp32"

    def start(self, flash=None, attach=True, chip=None):
        board = espboard.Board("--boot", "download", "--chip", chip or self.chip, flash=flash)
        self.enterContext(board)
        loader = board.loader()
        if attach:
            loader.attach()
        return board, loader

    def is_alive(self, loader):
        self.assertEqual(espboard.CHIPS[self.chip].magic, loader.read_reg(espboard.MAGIC))

    def is_dead(self, loader):
        self.assertFalse(loader.sync(QUIET))
