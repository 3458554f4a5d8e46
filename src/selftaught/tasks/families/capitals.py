"""Countries and their capitals: knowledge, which no rule can read off a prompt."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from selftaught.parts import part
from selftaught.tasks.family import Facts, Family, Say, exactly

TABLE = (
    "France Paris, Germany Berlin, Italy Rome, Spain Madrid, Portugal Lisbon, Ireland Dublin, Greece Athens, Austria Vienna, Poland "
    "Warsaw, Russia Moscow, Japan Tokyo, China Beijing, Egypt Cairo, Kenya Nairobi, Canada Ottawa, Cuba Havana, Norway Oslo, Sweden "
    "Stockholm, Finland Helsinki, Denmark Copenhagen, Hungary Budapest, Turkey Ankara, Iran Tehran, Iraq Baghdad, Thailand Bangkok, "
    "Australia Canberra, Peru Lima, Chile Santiago, Belgium Brussels, Netherlands Amsterdam, Romania Bucharest, Bulgaria Sofia, "
    "Ukraine Kyiv, Croatia Zagreb, Serbia Belgrade, Iceland Reykjavik, Morocco Rabat, Tunisia Tunis, Ethiopia Addis_Ababa, Nigeria "
    "Abuja, Ghana Accra, Senegal Dakar, Uganda Kampala, Zimbabwe Harare, Vietnam Hanoi, Philippines Manila, Indonesia Jakarta, "
    "Malaysia Kuala_Lumpur, Pakistan Islamabad, Afghanistan Kabul, Nepal Kathmandu, Bangladesh Dhaka, Mongolia Ulaanbaatar, "
    "South_Korea Seoul, Syria Damascus, Lebanon Beirut, Jordan Amman, Colombia Bogota, Venezuela Caracas, Ecuador Quito, Argentina "
    "Buenos_Aires, Uruguay Montevideo, Paraguay Asuncion, Jamaica Kingston, Brazil Brasilia, India New_Delhi, Scotland Edinburgh, "
    "Wales Cardiff, Latvia Riga, Lithuania Vilnius, Estonia Tallinn, Albania Tirana, Slovakia Bratislava, Slovenia Ljubljana, "
    "Armenia Yerevan, Georgia Tbilisi, Libya Tripoli, Somalia Mogadishu, Zambia Lusaka, Rwanda Kigali, Mali Bamako, Angola Luanda, "
    "Laos Vientiane, Cyprus Nicosia, Belarus Minsk, Qatar Doha, Oman Muscat"
)
CAPITALS = {country: capital for country, capital in (pair.replace(", ", " ").split() for pair in TABLE.split(", "))}
CAPITALS = {country.replace("_", " "): capital.replace("_", " ") for country, capital in CAPITALS.items()}
# A name at the start, or after "is", with "the city of" and the like between.
NAMED = r"(?:^|\bis\b|:)[^A-Za-z]*(?:the )?(?:city of )?[^A-Za-z]*((?!The\b|In\b|It\b)[A-Z][a-z]+(?: [A-Z][a-z]+)*)"


@part
@dataclass(frozen=True, kw_only=True)
class Capitals(Family):
    """Name the capital of one of the `known` best-known countries.

    Attributes:
        known: how many countries are asked about.
    """

    ladder = tuple(dict(known=n) for n in (20, 40, 60, 86))
    wordings = (
        "What is the capital of {country}?", "Which city is the capital of {country}?", "Name the capital of {country}.",
        "The capital of {country} is which city?",
    )  # fmt: skip
    limits = dict(known=(2, len(CAPITALS)))
    reads = NAMED
    known: int = 40

    def draw(self, rng: random.Random) -> Facts:
        return (rng.choice(list(CAPITALS)[: self.known]),)

    def show(self, facts: Facts) -> dict[str, str]:
        return {"country": facts[0]}

    def parse(self, pieces: Mapping[str, str]) -> Facts:
        if pieces["country"] not in CAPITALS:
            raise ValueError("not a country of the table")
        return (pieces["country"],)

    def work(self, facts: Facts, say: Say = exactly) -> tuple[str, str]:
        return "", CAPITALS[facts[0]]

    def spoil(self, facts: Facts, rng: random.Random) -> tuple[str, str]:
        return "", rng.choice([capital for capital in CAPITALS.values() if capital != CAPITALS[facts[0]]])
