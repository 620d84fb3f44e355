"""Every arm has a PSNR: of the decoder its losses teach, or of one trained at the end, which changes nothing else."""


from support.vjvcr import TINY, Case, differing, main, np, values_of

DECODED = TINY.replace("  predictor:", "  decoder: {type: cnn, channels: [8, 8, 4]}\n  predictor:").replace(
    "losses:", "losses:\n  reconstruction: {weight: 0}")
OF_DECODER = ("val_psnr", "val_reconstruction", "picture_y_pred", "expected_flops", "checksum")


def changed(one, other):
    """Apart from the configuration's text and the dimension that its length makes."""
    return [name for name in differing(one, other, ("config",)) if not name.startswith("text_")]



class DecoderAfterwards(Case):
    def sweep(self, name, *settings, **options):
        self.succeed("sweep", "decoded.yaml", "-o", name, *settings, **options)
        return values_of(self.path(name, "sweep.h5"))

    def setUp(self):
        super().setUp()
        self.write("decoded.yaml", DECODED)

    def test_it_learns_and_touches_nothing_but_itself(self):
        without = self.sweep("without", "optim.lr=0.01")
        trained = self.sweep("trained", "eval.decoder_steps=300", "optim.lr=0.01")
        self.assertEqual([n for n in changed(without, trained) if n not in OF_DECODER], [])
        np.testing.assert_array_equal(without["val_psnr"][:, :-1], trained["val_psnr"][:, :-1])
        self.assertGreater(trained["val_psnr"][0, -1], without["val_psnr"][0, -1])
        self.assertLess(trained["val_reconstruction"][0, -1], without["val_reconstruction"][0, -1])
        self.assertGreater(trained["time_decoder"][0], 0)

    def test_a_decoder_that_a_loss_teaches_is_left_alone(self):
        settings = "losses.reconstruction.weight=1"
        plain, asked = self.sweep("plain", settings), self.sweep("asked", settings, "eval.decoder_steps=30")
        self.assertEqual(changed(plain, asked), [])

    def test_its_bits_do_not_depend_on_ranks(self):
        one = self.sweep("one", "eval.decoder_steps=10")
        two = self.sweep("two", "eval.decoder_steps=10", "--ranks-per-trial", "2", ranks=2)
        self.assertEqual(differing(one, two), [])

    def test_psnr_is_that_of_the_frames(self):
        values = self.sweep("frames", "eval.decoder_steps=300", "optim.lr=0.01")
        # The mean over frames of -10 log10(MSE) is at least -10 log10(mean MSE), and near to it for frames much alike;
        # clipping adds a little.
        floor = -10 * np.log10(values["val_reconstruction"][0, -1])
        self.assertGreater(values["val_psnr"][0, -1], floor - 0.01)
        self.assertLess(values["val_psnr"][0, -1], floor + 3)


class ProbesOnFrames(Case):
    def test_what_frames_tell_is_found_once_and_kept(self):
        probes = "eval.probes={pixels: {type: ridge, target: speed, on: x}}"
        self.succeed("sweep", "tiny.yaml", "-o", "all", probes, "eval.probe_at=all")
        mse = values_of(self.path("all", "sweep.h5"))["probe_pixels_mse"][0]
        self.assertTrue(np.all(np.isfinite(mse)))
        self.assertEqual(len(set(mse.tolist())), 1)


if __name__ == "__main__":
    main()
