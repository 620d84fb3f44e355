"""The sources as they lie there: a bare machine has no git, and a packed source no repository."""
import os

ROOT = os.environ.get("VJ_SOURCE") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ("framework", "models", "losses", "datasets", "sweeps", "analysis", "app")


def sources(*folders):
    """Paths from the root of every .c, .h and .def below these folders; of the whole product without any."""
    return sorted(os.path.relpath(os.path.join(folder, name), ROOT)
                  for top in folders or ROOMS
                  for folder, _, names in os.walk(os.path.join(ROOT, top))
                  for name in names if name.endswith((".c", ".h", ".def")))


def read(file):
    with open(os.path.join(ROOT, file), encoding="utf-8") as source:
        return source.read()
