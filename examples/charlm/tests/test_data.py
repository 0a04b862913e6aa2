"""The text is the same for all ranks, and what is held out is never trained on."""

import math
import tempfile
import unittest
from pathlib import Path

import data
from data import Corpus, DataError
from tests.launch import write_corpus


class TheCorpus(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = write_corpus(Path(scratch.name) / "corpus")

    def test_holds_out_every_tenth_file_by_name(self):
        corpus = data.load(str(self.folder))
        held_out = [(self.folder / name).read_text() for name in ("module_09.py", "module_19.py")]
        self.assertEqual(corpus.held_out, data.encode("".join(held_out)))
        self.assertNotIn(data.encode("function_9("), corpus.training)
        self.assertIn(data.encode("function_8("), corpus.training)

    def test_has_another_digest_when_a_single_character_differs(self):
        before = data.load(str(self.folder)).digest
        self.assertEqual(data.load(str(self.folder)).digest, before)
        path = self.folder / "module_03.py"
        path.write_text(path.read_text().replace("return", "Return", 1))
        self.assertNotEqual(data.load(str(self.folder)).digest, before)

    def test_gives_one_symbol_to_each_printable_character_and_one_to_all_others(self):
        self.assertEqual(data.encode("\n ~"), bytes([1, 2, data.SYMBOLS - 1]))
        self.assertEqual(data.encode("é\t漢\0"), bytes([0, 0, 0, 0]))

    def test_draws_batches_from_seed_and_step_alone(self):
        corpus = data.load(str(self.folder))
        batch = corpus.batch(seed=1, step=5, size=16, context=4)
        self.assertEqual(batch, corpus.batch(seed=1, step=5, size=16, context=4))
        self.assertNotEqual(batch, corpus.batch(seed=1, step=6, size=16, context=4))
        self.assertNotEqual(batch, corpus.batch(seed=2, step=5, size=16, context=4))
        self.assertTrue(all(4 <= position < len(corpus.training) for position in batch))

    def test_probes_the_whole_held_out_text_evenly(self):
        corpus = data.load(str(self.folder))
        probes = corpus.probes(count=100, context=4)
        self.assertLessEqual(len(probes), 100)
        self.assertGreater(len(probes), 90)
        self.assertGreater(probes[-1], len(corpus.held_out) * 0.95)

    def test_knows_the_cost_of_text_by_frequency(self):
        corpus = Corpus(training=bytes([1, 1, 1, 2]), held_out=bytes([1, 2, 3]), digest="")
        total = 4 + data.SYMBOLS
        expected = math.log2(total / 4) + math.log2(total / 2) + math.log2(total / 1)
        self.assertAlmostEqual(corpus.unigram_bits(range(3)), expected, places=12)

    def test_says_so_when_there_is_too_little_text_or_none(self):
        for path in self.folder.glob("module_0*.py"):
            path.unlink()
        with self.assertRaisesRegex(DataError, "too little Python source"):
            data.load(str(self.folder))
        with self.assertRaisesRegex(DataError, "cannot list .*nowhere"):
            data.load(str(self.folder / "nowhere"))

    def test_of_this_machine_is_large_enough(self):
        corpus = data.load()
        self.assertGreater(len(corpus.training), 1_000_000)
        self.assertGreater(len(corpus.held_out), 100_000)


if __name__ == "__main__":
    unittest.main()
