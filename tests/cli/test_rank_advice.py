"""`vjvcr sweep --dry-run` suggests how many ranks should train a trial, for the ranks at hand or for a machine that a
file describes."""

import json
import re

from support.vjvcr import SOURCE, TINY, Case, main

# Computing is all that takes time, and products alone: numbers follow from the model's operations.
PRODUCTS = """\
name: a board of abacuses
nodes: 2
ranks_per_node: 4
memory_gib: 1
gflops: 0.001
memory_gb_s: 1.0e+9
call_us: 0
inside: {latency_us: 0, bandwidth_gb_s: 1.0e+9}
between: {latency_us: 0, bandwidth_gb_s: 1.0e+9}
"""
SLOW_LINKS = PRODUCTS + "inside: {latency_us: 1.0e+7}\nbetween: {latency_us: 1.0e+7}\n"
SLOW_LINKS = SLOW_LINKS.replace("inside: {latency_us: 0, bandwidth_gb_s: 1.0e+9}\n", "")
SLOW_LINKS = SLOW_LINKS.replace("between: {latency_us: 0, bandwidth_gb_s: 1.0e+9}\n", "")


class RankAdvice(Case):
    def setUp(self):
        super().setUp()
        self.write("sweep.yaml", TINY + "sweep: {seeds: 4}\n")
        self.write("cluster.yaml", PRODUCTS)
        self.write("slow.yaml", SLOW_LINKS)

    def advice(self, *arguments, file="sweep.yaml", **options):
        """What stands below the needs: heading, table, sentences; memory and times as letters."""
        out = self.succeed("sweep", file, "--dry-run", *arguments, **options).out.split("\n\n")
        return out[2] if len(out) > 2 else None

    def rows(self, text):
        return [re.split("  +", line.strip()) for line in text.splitlines()[3:] if re.match(r" +\d", line)]

    def test_the_table_of_a_described_machine(self):
        text = self.advice("--cluster", "cluster.yaml")
        seconds = [self.duration(row[4]) for row in self.rows(text)]
        self.assertLessEqual(abs(seconds[0] - 2 * seconds[1]), 2)
        text = re.sub(r"[\d.]+ MiB", "M MiB", text)
        text = re.sub(r"\d+m\d+s|\d+s|\d+\.\d+ s", "T", text)
        self.assertEqual(re.sub(r"--+", "--", re.sub(r" +", " ", text)), """\
8 ranks of a board of abacuses, up to 4 on a node; estimated by the cost model:
ranks for a trial groups memory of a rank step longest trial whole sweep efficiency
--
 1 4 M MiB T T T 50%
 2* 4 M MiB T T T 100%
 4 2 M MiB T T T 100%
suggestion: --ranks-per-trial 2: 4 trials on 1 rank each would leave 4 of 8 ranks idle
""")

    def duration(self, text):
        return sum(float(n) * {"s": 1, "m": 60, "h": 3600}[u] for n, u in re.findall(r"([\d.]+) ?([hms])", text))

    def test_trials_enough_for_all_ranks(self):
        text = self.advice("--cluster", "cluster.yaml", "sweep.seeds=16")
        self.assertTrue(text.endswith("suggestion: --ranks-per-trial 1: 16 trials keep all ranks busy, and ranks that train "
                                      "apart wait for nobody\n"), text)

    def test_one_trial_takes_all_it_can(self):
        text = self.advice("--cluster", "cluster.yaml", "--ranks", "2", "sweep.seeds=1")
        self.assertTrue(text.endswith("\nsuggestion: --ranks-per-trial 2: 1 trial on 1 rank would leave 1 of 2 ranks idle\n"),
                        text)

    def test_shards_bound_the_ranks_of_a_trial(self):
        text = self.advice("--cluster", "cluster.yaml", "sweep.seeds=1")
        self.assertEqual([row[0] for row in self.rows(text)], ["1", "2", "4*"])
        self.assertTrue(text.endswith("\n4 of 8 ranks have nothing to do; more shards (optim.shards) would let more of them "
                                      "train a trial\n"), text)

    def test_ranks_that_wait_for_each_other(self):
        text = self.advice("--cluster", "slow.yaml", "sweep.seeds=1")
        self.assertTrue(text.endswith("""\
suggestion: --ranks-per-trial 1: several ranks would wait longer for each other than they save
twice as many ranks make a trial less than 1.25 times as fast beyond 1: then rather more trials side by side
"""), text)

    def test_a_trial_that_needs_several_nodes(self):
        """On nodes of one rank with seven tenths of the memory that it needs alone."""
        alone = float(self.rows(self.advice("--cluster", "cluster.yaml", "optim.batch=512", "eval.samples=512",
                                            "data.train_size=512", "data.validation_size=512"))[0][2].split()[0])
        self.write("small.yaml", PRODUCTS.replace("ranks_per_node: 4", "ranks_per_node: 1").replace(
            "memory_gib: 1", f"memory_gib: {0.7 * alone / 1024}"))
        text = self.advice("--cluster", "small.yaml", "optim.batch=512", "eval.samples=512", "data.train_size=512",
                           "data.validation_size=512")
        rows = self.rows(text)
        self.assertEqual([row[0] for row in rows], ["1", "2*"], text)
        self.assertTrue(rows[0][2].endswith(": DOES NOT FIT"), text)
        self.assertTrue(text.endswith("suggestion: --ranks-per-trial 2: on fewer ranks a trial does not fit into memory\n"),
                        text)

    def test_two_ranks_at_hand(self):
        """As this machine is, with its built-in rates."""
        text = self.run_vjvcr("sweep", "sweep.yaml", "--dry-run", ranks=2).out.split("\n\n")[2]
        self.assertIn("2 ranks of this machine, up to 2 on a node; estimated by the cost model:\n", text)
        self.assertIn("\nsuggestion: --ranks-per-trial 1: 4 trials keep all ranks busy, ", text)
        text = self.run_vjvcr("sweep", "sweep.yaml", "--dry-run=timed", ranks=2).out
        self.assertIn("2 ranks of this machine, up to 2 on a node; estimated from the steps just tried:\n", text)

    def test_alone_there_is_nothing_to_suggest(self):
        self.assertIsNone(self.advice())
        self.assertIn("64 ranks of this machine, ", self.advice("--ranks", "64"))

    def test_the_example_of_a_cluster(self):
        text = self.advice("--cluster", SOURCE + "/docs/examples/cluster.yaml")
        self.assertRegex(text, r"^4096 ranks of a described cluster, up to 64 on a node; estimated by the cost model:\n")

    def test_what_is_wrong(self):
        self.assert_refused("--ranks 9: cluster.yaml has 2 nodes of 4 ranks", "sweep", "sweep.yaml", "--dry-run", "--cluster",
                            "cluster.yaml", "--ranks", "9")
        self.write("wrong.yaml", "ranks_per_node: 4\nmemory_gib: 1\nnode: 3\n")
        self.assert_refused('wrong.yaml:3:1: unknown key "node"; did you mean "nodes"?', "sweep", "sweep.yaml", "--dry-run",
                            "--cluster", "wrong.yaml")
        self.assert_refused("--cluster and --ranks ask what a sweep would be like elsewhere; they belong to --dry-run",
                            "sweep", "sweep.yaml", "--ranks", "4")

    def test_traffic_is_what_the_model_counts(self):
        """Bytes and messages that ranks really sent in a step, for every number of ranks."""
        for ranks in 2, 4:
            result = self.run_vjvcr("bench", "tiny.yaml", "--steps", "2", "--format", "json", ranks=ranks)
            self.assertEqual(result.code, [0] * ranks, result.err)
            found = json.loads(result.out)
            self.assertGreater(found["sent_bytes"], 1000)
            self.assertEqual((found["sent_bytes"], found["sent_messages"]),
                             (found["planned_sent_bytes"], found["planned_sent_messages"]))


if __name__ == "__main__":
    main()
