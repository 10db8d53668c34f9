"""Short passages of regular form in which some names follow from others and some from nothing.

`python tests/made_voyages.py FOLDER COUNT SEED` writes COUNT documents as text files, and their corpus.yaml. In each
passage a port tells its country and the other way round, as everywhere in the corpus, so that a reader of many can say
either; who sails and who buys is anybody. They are made for tests and for a proof that training learns.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ssrl_data.rng import Rng

PORTS = {
    "Lisbon": "Portugal",
    "Bergen": "Norway",
    "Piraeus": "Greece",
    "Havana": "Cuba",
    "Mombasa": "Kenya",
    "Osaka": "Japan",
}
PEOPLE = ("Amelia", "Boris", "Chandra", "Dagmar", "Elliot", "Fatima", "Gustav", "Hedwig", "Ibrahim", "Joanna")
GOODS = ("wood", "salt", "wool", "copper", "grain", "glass")
TIMES = ("spring", "summer", "autumn", "winter")
OF_DOCUMENT = 6

# Whoever is named stands in no list of likes, and no name opens a sentence.
FORM = (
    "In {time} a ship with {goods} left the port of {port} for the coast of {country} where the captain {captain} sold"
    " all of it to the merchant {merchant} at a good price."
)

CORPUS = """
files:
  - match: "*.txt"
    license: CC0-1.0
    attribution: the authors of ssrl
"""


def passage(rng: Rng) -> str:
    """One passage."""
    port = rng.choice(tuple(PORTS))
    captain, merchant = rng.sample(PEOPLE, 2)
    time, goods = rng.choice(TIMES), rng.choice(GOODS)
    return FORM.format(time=time, goods=goods, port=port, country=PORTS[port], captain=captain, merchant=merchant)


def write(folder: Path, count: int, seed: int) -> None:
    """Fill a folder with so many documents."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        rng = Rng(seed, "voyages", number)
        text = "\n\n".join(passage(rng) for _ in range(OF_DOCUMENT))
        (folder / f"{number:04}.txt").write_text(text + "\n", encoding="utf-8")
    (folder / "corpus.yaml").write_text(CORPUS.lstrip(), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
