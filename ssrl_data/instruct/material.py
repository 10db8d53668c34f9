"""What constraints are drawn from and witnesses are made of: the words of a passage, and a stock of plain ones."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from ssrl_data.media.text import sentences, words

_STOCK = """
    a able about above across act add after again age ago aim air all also always among an and animal answer any
    area arm around art as ask at autumn away back ball bank base be bear because bed begin behind below best big
    bird bit black blue boat body book both box boy branch bread bridge bright bring brother build busy but buy by
    call calm can car card care carry case cause chair change cheap child choice city class clean clear climb clock
    cloud coat cold colour come common cook cool copy corn corner count country course cover cow cross crowd cry cup
    cut daily dance dark day deal deep desk dinner do dog door down draw dream dress drink drive drop dry during
    dust duty each early earth east easy eat edge egg else end engine enough equal even evening event ever every eye
    face fact fall family far farm fast father few field fill final find finger fire first fish five flat floor flow
    flower fly follow food foot for force forest form forward four fox free fresh friend from front fruit full fun
    garden gate general give glad glass go goal gold good grass great green grey ground group grow half hall hand
    happy hard hat have head hear heart heat heavy help her here high hill him his hold home hope horse hot hour
    house how huge hundred idea if in inch into iron island it item join joy jump just keep key kind king kitchen
    know lake land large last late laugh law lay lead leaf learn leave left leg less let letter level lie life light
    like line list little live long look lot love low lunch machine main make man many map mark market may meal mean
    meet metal middle mile milk mind minute mix moment money month moon more morning most mother mountain mouth move
    much music must name narrow near need never new next night nine noon normal north not note now number ocean of
    off often oil old on once one only open or orange order other our out over own page paint pair paper part pass
    past path pay pen people perhaps phone piano picture piece pink place plain plan plant plate play point poor
    power press pretty print problem proof pull pure push put quick quiet rain raise reach read ready real red rest
    rich ride right ring rise river road rock roof room root rope round row rule run safe sail salt same sand say
    school sea season seat second see seed sell send set seven shade shape share she sheep ship shirt shoe shop
    short show side sign silver simple sing sister sit six size skin sky sleep slow small smile smooth snow so soft
    soil some son song soon sort sound soup south space speak speed spend spring square stage stand star start state
    stay step still stone stop store storm story street strong student study such sugar summer sun sure swim table
    tail take talk tall taste teach team tell ten test than that the their them then there they thick thin thing
    think this three through time tiny to today together tomorrow tool top touch toward town track trade train tree
    trip true try turn twelve two type uncle under unit until up upon us use useful usual valley value very view
    village visit voice wait walk wall want warm wash watch water wave way we weak wear weather week well west wet
    what wheel when where which while white who whole why wide wild will wind window winter wise wish with woman
    wood word work world would write year yellow yes yet you young zero zone
"""
STOCK: tuple[str, ...] = tuple(_STOCK.split())
"""Plain English words of which every letter begins some and every letter is missing from many."""

_PLAIN = re.compile(r"[A-Za-z][a-z]{3,13}")
_FUNCTION_WORDS = """
    about above after again also among another because been before being below between both cannot could does doing
    done down during each either else even ever every first from given have having here into itself just last least
    less like made make many more most much must neither never next none often once only other others otherwise over
    same shall should since some such than that their them then there therefore these they this those through thus
    under until upon used uses using very well were what when where whether which while whose will with within
    without would your yours
"""
_COMMON = frozenset(_FUNCTION_WORDS.split())


@dataclass(frozen=True)
class Material:
    """A passage, or a question, as material.

    Attributes:
        text: canonical, as `ssrl_data.media.text` makes it.
        foreign: another text, for words that this one does not hold.
    """

    text: str
    foreign: str = ""

    @cached_property
    def terms(self) -> tuple[str, ...]:
        """Its content words of 4 to 14 plain letters in lower case, the most frequent first, then as they come."""
        return _terms(self.text)

    @cached_property
    def strangers(self) -> tuple[str, ...]:
        """Content words of the foreign text that the text does not hold."""
        own = {self.text[a:b].casefold() for a, b in words(self.text)}
        return tuple(term for term in _terms(self.foreign) if term not in own)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """Its sentences, in order."""
        return tuple(sentences(self.text))

    @cached_property
    def following(self) -> dict[str, tuple[str, ...]]:
        """Word to the words that follow it in a sentence, in lower case, as often as they do; "" to first words."""
        found: dict[str, list[str]] = {}
        for sentence in self.sentences:
            before = ""
            for start, end in words(sentence):
                word = sentence[start:end].lower()
                found.setdefault(before, []).append(word)
                before = word
        return {word: tuple(after) for word, after in found.items()}

    @cached_property
    def lexicon(self) -> tuple[str, ...]:
        """Words to fill a text with: its own, then the stock; each once, in lower case."""
        return tuple(dict.fromkeys((*self.terms, *STOCK)))


def _terms(text: str) -> tuple[str, ...]:
    found = [text[a:b] for a, b in words(text)]
    counts = Counter(word.lower() for word in found if _PLAIN.fullmatch(word) and word.lower() not in _COMMON)
    return tuple(sorted(counts, key=lambda term: -counts[term]))  # stable: equally frequent ones as they come
