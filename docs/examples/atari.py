"""Plays Atari games with a random player, and writes the videos and what the player did: data for sweeps/atari.yaml.

    python3 -m venv venv && venv/bin/pip install ale-py gymnasium
    venv/bin/python docs/examples/atari.py runs/atari-videos
    ./vj reproduce atari

Each video is one play from its start, of the emulator's screen at 15 frames/s. The player draws an action among those
of the game and holds it for some frames, then draws the next: what it will do the past does not tell. An action is
written down as the buttons it presses (up, down, left, right, fire), from which frame to which:

    FOLDER/videos/Pong_train_0000.mp4       screens, the games' own 160 x 210 px
    FOLDER/train.txt, validation.txt, test.txt    lists of videos and the numbers of their games
    FOLDER/classes.json                     names of the games
    FOLDER/actions.csv                      video,start_frame,end_frame,label: a record for each button and hold

All of it is a function of the options: the same seed plays the same games, with one version of ale-py. The videos are
for you to look at and to train on; the games' screens are their makers', so do not pass them on.
"""

import argparse
import concurrent.futures
import csv
import json
import os
import random
import shutil
import subprocess
import sys

GAMES = "Pong,Breakout,Freeway,Seaquest,Boxing,SpaceInvaders"
BUTTONS = ("UP", "DOWN", "LEFT", "RIGHT", "FIRE")
SPLITS = ("train", "validation", "test")
WIDTH, HEIGHT, RATE = 160, 210, 15
SKIP = 60 // RATE  # frames of the emulator for one of the video
MADE_BY = "atari.json"


def import_games():
    """Whoever lacks a package is told how to have it."""
    try:
        import ale_py
        import gymnasium
        import numpy
    except ImportError as missing:
        sys.exit(f"atari.py needs the Python package {missing.name}; in a virtual environment: pip install ale-py gymnasium")
    if not shutil.which("ffmpeg"):
        sys.exit("atari.py needs the program ffmpeg (Debian: apt install ffmpeg)")
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    gymnasium.register_envs(ale_py)
    return gymnasium, numpy


def make_game(gymnasium, game):
    try:
        return gymnasium.make(f"ALE/{game}-v5", frameskip=1, repeat_action_probability=0.0, obs_type="rgb")
    except gymnasium.error.Error as error:
        sys.exit(f"atari.py: there is no game {game}: {error}")


class Player:
    """Draws an action among those of a game, and holds it for a number of frames of the video."""

    def __init__(self, dice, meanings, hold):
        self.dice, self.meanings, self.hold = dice, meanings, hold
        self.action, self.left = 0, 0

    def act(self):
        if self.left == 0:
            self.action, self.left = self.dice.randrange(len(self.meanings)), self.dice.randint(*self.hold)
        self.left -= 1
        return self.action


def play(numpy, environment, dice, options):
    """Screens of one play, and the action of each; None where the game is over before."""
    screen, _ = environment.reset(seed=dice.randrange(2 ** 31))
    player = Player(dice, environment.unwrapped.get_action_meanings(), options.hold)
    warm, screens, actions = dice.randint(0, options.warm), [], []
    while len(screens) < options.frames:
        before, action = screen, player.act()
        for _ in range(SKIP):  # an action takes effect in the frame that shows it
            before = screen
            screen, _, over, cut, _ = environment.step(action)
            if over or cut:
                return None
        if warm > 0:
            warm -= 1
            continue
        screens.append(numpy.maximum(before, screen))  # sprites take turns on the screen
        actions.append(action)
    return screens, actions


def write_video(path, screens):
    command = ["ffmpeg", "-y", "-nostdin", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s",
               f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-", "-c:v", "libx264", "-preset", "fast", "-crf", "12", "-g",
               "30", "-threads", "1", "-pix_fmt", "yuv420p", path]
    done = subprocess.run(command, input=b"".join(screen.tobytes() for screen in screens), stderr=subprocess.PIPE)
    if done.returncode:
        sys.exit(f"atari.py: ffmpeg can't write {path}: {done.stderr.decode(errors='replace').strip()}")


def holds_of(actions, meanings):
    """(first frame, last frame, button) of each button while it is pressed; UPRIGHTFIRE presses three."""
    for button in BUTTONS:
        pressed = [button in meanings[action] for action in actions] + [False]
        first = None
        for frame, is_pressed in enumerate(pressed):
            if is_pressed and first is None:
                first = frame
            if not is_pressed and first is not None:
                yield first, frame - 1, button.lower()
                first = None


def make_video(job):
    """Plays until a play is long enough, and writes it. Returns records of the table."""
    options, game, name = job
    gymnasium, numpy = import_games()
    environment = make_game(gymnasium, game)
    dice = random.Random(f"{options.seed} {name}")
    for _ in range(100):
        played = play(numpy, environment, dice, options)
        if played:
            break
    else:
        sys.exit(f"atari.py: {game}: no play has {options.frames} frames; choose fewer with --frames")
    screens, actions = played
    meanings = environment.unwrapped.get_action_meanings()
    environment.close()
    write_video(os.path.join(options.folder, "videos", name + ".mp4"), screens)
    return [(name + ".mp4", first, last, button) for first, last, button in holds_of(actions, meanings)]


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder")
    parser.add_argument("--games", default=GAMES, help=f"their names, as ale-py has them (default: {GAMES})")
    parser.add_argument("--videos", default="100,25,50", help="of each game: for training, validation and test (100,25,50)")
    parser.add_argument("--frames", type=int, default=120, help="of a video, 15 a second (120)")
    parser.add_argument("--hold", default="8,16", help="an action is held for so many frames, at least and at most (8,16)")
    parser.add_argument("--warm", type=int, default=100, help="frames played before a video begins, at most (100)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes (as many as cores)")
    options = parser.parse_args()
    try:
        options.games = [game for game in options.games.split(",") if game]
        options.videos = [int(count) for count in options.videos.split(",")]
        options.hold = [int(count) for count in options.hold.split(",")]
    except ValueError as error:
        parser.error(str(error))
    if len(options.videos) != 3 or min(options.videos) < 1:
        parser.error("--videos: expected three numbers from 1 on")
    if len(options.hold) != 2 or not 1 <= options.hold[0] <= options.hold[1]:
        parser.error("--hold: expected two numbers from 1 on, the smaller one first")
    if options.frames < 2 or options.warm < 0 or options.jobs < 1 or not options.games:
        parser.error("--frames, --warm, --jobs and --games: expected at least 2, 0, 1 and one game")
    return options


def begin(options):
    """What is made is written down first: a folder with anything else is left alone; one that is done is kept."""
    about = {key: value for key, value in vars(options).items() if key not in ("folder", "jobs")}
    path = os.path.join(options.folder, MADE_BY)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            there = json.load(file)
        if {**about, "done": True} == there:
            print(f"{options.folder}: is there already")
            sys.exit(0)
        if {**about, "done": False} != there:
            sys.exit(f"atari.py: {options.folder} was made with other options ({path}); choose another folder")
    elif os.path.isdir(options.folder) and os.listdir(options.folder):
        sys.exit(f"atari.py: {options.folder} has other files in it; choose another folder")
    os.makedirs(os.path.join(options.folder, "videos"), exist_ok=True)
    return path, about


def write_whole(path, write):
    with open(path + ".part", "w", encoding="utf-8", newline="") as file:
        write(file)
    os.replace(path + ".part", path)


def main():
    options = read_options()
    import_games()
    path, about = begin(options)
    write_whole(path, lambda file: json.dump({**about, "done": False}, file, indent=1))
    names = {split: [(game, f"{game}_{split}_{number:04d}") for game in options.games for number in range(count)]
             for split, count in zip(SPLITS, options.videos)}
    jobs = [(options, game, name) for split in SPLITS for game, name in names[split]]
    records = []
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for done, made in enumerate(pool.map(make_video, jobs), 1):
            records += made
            if sys.stderr.isatty():
                print(f"\r{done}/{len(jobs)} videos", end="\n" if done == len(jobs) else "", file=sys.stderr, flush=True)
    numbers = {game: str(number) for number, game in enumerate(sorted(options.games))}
    write_whole(os.path.join(options.folder, "classes.json"), lambda file: json.dump(numbers, file, indent=1))
    write_whole(os.path.join(options.folder, "actions.csv"), lambda file: csv.writer(file, lineterminator="\n").writerows(
        [("video", "start_frame", "end_frame", "label"), *records]))
    for split in SPLITS:
        lines = "".join(f"videos/{name}.mp4 {numbers[game]}\n" for game, name in names[split])
        write_whole(os.path.join(options.folder, split + ".txt"), lambda file, text=lines: file.write(text))
    write_whole(path, lambda file: json.dump({**about, "done": True}, file, indent=1))
    print(f"{options.folder}: {len(jobs)} videos of {', '.join(options.games)}, {len(records)} presses of buttons")


if __name__ == "__main__":
    main()
