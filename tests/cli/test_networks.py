"""Networks that do not fit frames, maps or each other: the sentences, with place, shapes and remedy."""

from support.vjvcr import TINY, Case, main

SIMVP = "model.encoder={type: simvp, channels: 4}"
SWIN = "model.predictor={type: swin, width: 8, heads: 4, blocks: 2}"


class Networks(Case):
    def refuse(self, sentence, *settings):
        self.write("networks.yaml", TINY)
        self.assert_refused(sentence, "sweep", "networks.yaml", "-o", "refused", *settings)

    def test_encoders_say_what_frames_they_take(self):
        self.refuse("encoder: layers: 12 layers halve frames [4,3,32,32,1] 6 times; height and width must divide by 64",
                    "model.encoder={type: simvp, layers: 12}")
        self.refuse("encoder: channels: expected an even number, for norms of two groups, got 5",
                    "model.encoder={type: simvp, channels: 5}")
        self.refuse("encoder: patch: frames [4,3,32,32,1] are not cut into patches of 5 x 5 pixels",
                    "model.encoder={type: vit, patch: 5}")
        self.refuse("encoder: tubelet: 3 frames are not cut into tubelets of 2", "model.encoder={type: vit, tubelet: 2}")
        self.refuse("encoder: heads: expected a divisor of width 192, got 5", "model.encoder={type: vit, heads: 5}")

    def test_predictors_say_what_maps_they_take(self):
        self.refuse("predictor: expected hidden states that are maps [b,T,H,W,C], got [4,3,8] to predict [4,12,8]; "
                    "encoders simvp, vit, and cnn with pool: 0 make maps", SWIN)
        self.refuse("predictor.block0: window: a map [4,8,8,12] is not cut into windows of 3 x 3 pixels; choose a side "
                    "that divides height and width", SIMVP, SWIN, "model.predictor.window=3")
        self.refuse("predictor.block0: heads: 12 channels do not divide by 8 heads", SIMVP, SWIN,
                    "model.predictor.heads=8")

    def test_the_decoder_says_what_it_lacks(self):
        self.refuse("decoder: layers: 2 layers double the hidden state [4,12,8,8,4] 1 times; expected a map [b,T,H,W,C] "
                    "with even C that becomes frames [4,12,32,32,1]", SIMVP, "model.decoder={type: simvp, layers: 2}")
        self.refuse('decoder: there is no view "hx.e1"; there are: x, y, hx.conv0, hx.conv1, hx, hy.conv0, hy.conv1, hy, '
                    "hy_pred", "model.encoder={type: cnn, channels: [4, 4], temporal: [], pool: 0}",
                    "model.decoder={type: simvp, skip: e1}")


if __name__ == "__main__":
    main()
