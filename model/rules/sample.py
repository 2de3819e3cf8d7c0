"""Made-up messages of about 100 bytes, on which expressions are measured: the same ones everywhere."""

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MESSAGES = 1024  # in each part
PARTS = 4
_WORDS = """
    the a to you your and for of is on in it we at be this that have with not are from call text free now win prize
    claim urgent cash mobile reply stop offer account bank card number please today home lunch meeting sorry later
    thanks time tomorrow love money order delivery package click link visit www.example.com bit.ly/3xYz
    http://pay-now.example.net/win £1000 $50 100% 2,000 +44-7700-900123 08712300220 18:30 me@example.org WINNER FREE
    URGENT CLAIM Dear Hi Ok haha :) !!! für über naïve señor gratis dinero premio ganar бесплатно приз деньги срочно
    сегодня нажмите 免费 领取 大奖 点击 链接 我们 明天 見面 무료 쿠폰 당첨 지금 클릭 안녕하세요 お金 無料 当選
    प्रिय ग्राहक مجاني جائزة 🎉 🙂 💰
"""
_NOISE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789.-/_"


def parts(pieces: Sequence[str] = ()) -> list[npt.NDArray[np.object_]]:
    """PARTS times bytes [MESSAGES], all different. Some have one of `pieces` in them, or its beginning."""
    chance = random.Random(0)
    words = _WORDS.split()
    return [_messages(chance, words, pieces) for _ in range(PARTS)]


def _messages(chance: random.Random, words: list[str], pieces: Sequence[str]) -> npt.NDArray[np.object_]:
    result = np.empty(MESSAGES, object)
    for row in range(MESSAGES):
        found = chance.choices(words, k=chance.randint(8, 26))
        for _ in range(3):
            found.insert(chance.randrange(len(found)), "".join(chance.choices(_NOISE, k=chance.randint(2, 14))))
        if pieces and chance.random() < 0.05:
            piece = chance.choice(pieces)
            found.insert(chance.randrange(len(found)), piece[: chance.randint(1, len(piece))])
        result[row] = " ".join(found).encode()
    return result
