"""MovingMNIST as a PyTorch user makes it: a Dataset in NumPy, whole batches at once where one asks for them.

The motion is that of datasets/moving_mnist/moving_mnist.c for one digit: a start uniform on the canvas, an integer velocity without
(0, 0), exact reflection. Digits are smooth random blobs of 28 x 28; what they show changes no time.
"""
import numpy as np
import torch


class MovingMNIST(torch.utils.data.Dataset):
    """`data`: the section of a resolved configuration. An item: frames [T,1,H,W], speed."""

    def __init__(self, data, split=0):
        self.size, self.digit, self.seed = int(data["size"]), int(data["digit_size"]), int(data["seed"])
        self.steps = int(data["input_frames"]) + int(data["target_frames"])
        self.count = int(data[("train_size", "validation_size", "test_size")[split]])
        random = np.random.default_rng([self.seed, split])
        self.digits = self.draw(random, 1000)
        side, most = self.size - self.digit, int(data["max_speed"])
        self.start = random.uniform(0, side, (self.count, 2))
        grid = np.stack(np.meshgrid(*[np.arange(-most, most + 1)] * 2), -1).reshape(-1, 2)
        grid = grid[(grid != 0).any(1)]
        self.velocity = grid[random.integers(len(grid), size=self.count)].astype(float)
        self.image = random.integers(len(self.digits), size=self.count)
        self.speed = np.hypot(*self.velocity.T).astype(np.float32)

    def draw(self, random, count):
        """Three strokes as Gaussian blobs."""
        axis = np.arange(self.digit) + 0.5
        places = random.uniform(0.25, 0.75, (count, 3, 2)) * self.digit
        bumps = np.exp(-((axis - places[..., None]) / (0.12 * self.digit)) ** 2)
        return np.einsum("nky,nkx->nyx", bumps[:, :, 1], bumps[:, :, 0]).clip(0, 1).astype(np.float32)

    def positions(self, numbers):
        """[.., T, 2], reflected: a triangle wave of the straight path."""
        side = self.size - self.digit
        path = self.start[numbers, None] + np.arange(self.steps)[:, None] * self.velocity[numbers, None]
        return side - np.abs(path % (2 * side) - side)

    def batch(self, numbers):
        """Many at once, without a loop over them: [B,T,1,H,W], [B]."""
        corner = np.rint(self.positions(numbers)).astype(np.int64)
        frames = np.zeros((len(numbers), self.steps, self.size, self.size), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(frames, (self.digit, self.digit), (2, 3), writeable=True)
        rows, steps = np.ogrid[:len(numbers), :self.steps]
        windows[rows, steps, corner[..., 1], corner[..., 0]] = self.digits[self.image[numbers], None]
        return torch.from_numpy(frames).unsqueeze(2), torch.from_numpy(self.speed[numbers])

    def __len__(self):
        return self.count

    def __getitem__(self, number):
        frames = np.zeros((self.steps, 1, self.size, self.size), np.float32)
        digit = self.digits[self.image[number]]
        for frame, (x, y) in zip(frames, np.rint(self.positions(np.array([number]))[0]).astype(np.int64)):
            frame[0, y:y + self.digit, x:x + self.digit] = digit
        return torch.from_numpy(frames), self.speed[number]
