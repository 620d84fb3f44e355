"""`vjvcr bench` says what a step costs, to people and to programs."""

import json
import re

from support.vjvcr import Case, main


class Bench(Case):
    def test_both_formats_tell_the_same_experiment(self):
        text = self.succeed("bench", "tiny.yaml", "--steps", "2").out
        found = json.loads(self.succeed("bench", "tiny.yaml", "--steps", "2", "--format", "json").out)
        self.assertEqual((found["name"], found["batch"], found["shards"], found["frames"], found["height"]),
                         ("tiny", 16, 4, 15, 32))
        self.assertEqual((found["ranks"], found["steps"]), (1, 2))
        self.assertIn("tiny: batch 16 in 4 shards, 15 frames of 32x32x1, ", text)
        self.assertEqual(f"{found['gflop']:.1f}", re.search(r"matrix products ([\d.]+) GFLOP a step", text)[1])
        self.assertGreater(found["peak_memory_bytes"], found["planned_memory_bytes"])
        parts = found["data_seconds"] + found["graph_seconds"] + found["update_seconds"]
        self.assertAlmostEqual(found["step_seconds"], parts, places=12)

    def test_a_step_stands_beside_its_floor(self):
        found = json.loads(self.succeed("bench", "tiny.yaml", "--steps", "2", "--format", "json").out)
        floor = found["floor_products_seconds"] + found["floor_passes_seconds"]
        self.assertAlmostEqual(found["floor_seconds"], floor, places=12)
        self.assertAlmostEqual(found["of_floor"], found["step_seconds"] / floor, places=6)
        self.assertAlmostEqual(found["floor_products_seconds"], found["gflop_carried_out"] / found["fma_gflops"], places=9)
        self.assertGreater(found["memory_gb_s"], 0)
        self.assertGreaterEqual(found["peak_memory_bytes_of_all_ranks"], found["peak_memory_bytes"])

    def test_planning_is_measured(self):
        text = self.succeed("bench", "tiny.yaml", "--steps", "1").out
        self.assertRegex(text, r"(?m)^planning        \d+\.\d{3} s before the first step: .*, \d+ kernels of products$")
        found = json.loads(self.succeed("bench", "tiny.yaml", "--steps", "1", "--format", "json").out)
        self.assertGreater(found["planning_seconds"], 0)

    def test_kernels_of_products_are_timed_by_shape(self):
        text = self.succeed("bench", "tiny.yaml", "--steps", "1", "--products").out
        self.assertRegex(text, r"(?m)^ *rows +columns +depth +kind +GFLOP/s +of peak +9 pairs +of peak$")
        self.assertRegex(text, r"(?m)^ *\d+ +\d+ +\d+ +fp32")

    def test_a_format_that_is_not_there(self):
        self.assert_refused('--format: expected one of text, json, got "csv"', "bench", "tiny.yaml", "--format", "csv")
        self.assert_refused("--format: expected a value", "bench", "tiny.yaml", "--format")


if __name__ == "__main__":
    main()
