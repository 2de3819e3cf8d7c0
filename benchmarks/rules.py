"""What rules cost beside the spam model: CPU time of `sess.run` on the graph with and without them, in turns.

    python -m benchmarks.rules sms_spam_collection.tsv

The rules are made here (seeded): lists of senders and domains as long as people have them, and patterns like theirs,
of words that the corpus has. The senders are a mobile operator's: a tenth of them is on a list.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy loads
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np  # noqa: E402
from tensorflow.compat import v1  # noqa: E402

from benchmarks.spam_model import ROOT, Score, Texts  # noqa: E402
from model import corpus  # noqa: E402
from model.graph import frozen  # noqa: E402
from model.rules import compiling, joining, reading  # noqa: E402

WORDS = tuple(
    """
    account award bank bonus call cash claim click code collect congratulations contact credit delivery discount double
    draw entry expires final free gift guaranteed holiday identifier important landline latest loan lucky match message
    mobile nokia offer order pay poly prize reply reward ringtone selected service statement subscribe tone unsubscribe
    update urgent valid voucher weekly win winner won
    """.split()  # noqa: SIM905 (a list of sixty would be sixty lines)
)
SHAPES = (
    r"(?i)\b{0}\s+(?:your\s+)?{1}\b", r"(?i){0}.{{0,20}}{1}", r"(?i)\b{0}[^a-z0-9]{{1,3}}{1}", r"\b{0}\w*\s\d{{4,}}",
    r"(?i)£\s?\d+[,.]?\d*\s+{0}\s{1}", r"(?i)(?:to|from) \d{{5,6}}.{{0,10}}{0}", r"(?i)\b{0}s?\s?!+\s?{1}",
    r"(?i)www\.[a-z0-9-]+\.[a-z.]+/{0}",
)  # fmt: skip
ENDINGS = ("com", "net", "info", "co.uk", "ru", "xyz", "top", "io")


def rules(senders: int, domains: int, patterns: int, separate: bool, chance: random.Random) -> str:
    """A file of rules. With `separate`, each pattern is a rule of its own that adds points."""
    hosts = {_host(chance) for _ in range(2 * domains)}
    expressions = {chance.choice(SHAPES).format(*chance.sample(WORDS, 2)) for _ in range(2 * patterns)}
    expressions = sorted(expressions)[:patterns]
    text = f"[thresholds]\nreview = 0.5\nspam = 0.9\n[[allow]]\nname = 'known'\nsenders = {sender_list(senders)}\n"
    text += f"[[deny]]\nname = 'hosts'\ndomains = {sorted(hosts)[:domains]}\n"
    if separate:
        return text + "".join(
            f"[[points]]\nname = 'pattern {number}'\npoints = 0.5\npatterns = ['{each}']\n"
            for number, each in enumerate(expressions)
        )
    return text + "[[deny]]\nname = 'patterns'\npatterns = [" + ", ".join(f"'{each}'" for each in expressions) + "]\n"


def _host(chance: random.Random) -> str:
    first, second, number = *chance.sample(WORDS, 2), chance.choice(["", chance.randrange(99)])
    return f"{first}{chance.choice(['', '-'])}{second}{number}.{chance.choice(ENDINGS)}"


def sender_list(count: int) -> list[str]:
    return [f"+4477{number:08}" if number % 2 else f"user{number}@mail.example" for number in range(count)]


def scorer(content: bytes, columns: dict[str, Texts] | None = None) -> Score:
    """`sess.run` on one thread, as a worker calls it. `columns` has a value for each text but the text."""
    config = v1.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    graph = frozen.load(content)
    session = v1.Session(graph=graph, config=config)
    session.run(frozen.initialisers(graph))
    if columns is None:
        return session.make_callable("score:0", feed_list=["text:0"])
    fed = session.make_callable(["score:0", "verdict:0", "rule:0"], feed_list=["text:0", *(f"{c}:0" for c in columns)])
    return lambda texts: fed(texts, *(column[: len(texts)] for column in columns.values()))


def in_turns(scorers: dict[str, Score], batches: list[Texts], rounds: int) -> dict[str, list[float]]:
    """Messages a second of CPU time, of each scorer in each round, after one that doesn't count."""
    rates: dict[str, list[float]] = {name: [] for name in scorers}
    for count in range(rounds + 1):
        for name, score in scorers.items():
            begun = time.process_time()
            for batch in batches:
                score(batch)
            if count:
                rates[name].append(sum(map(len, batches)) / (time.process_time() - begun))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, help="labelled messages, as `model corpus` fetches them")
    parser.add_argument("--model", type=Path, default=ROOT / "data" / "spam.pb")
    parser.add_argument("--senders", type=int, default=10_000)
    parser.add_argument("--domains", type=int, default=1_000)
    parser.add_argument("--patterns", type=int, default=200)
    parser.add_argument("--rows", type=int, default=1024, help="messages to a sess.run (1024)")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    data = corpus.read([options.corpus])
    rows = options.rows
    batches = [data.texts[start : start + rows] for start in range(0, max(1, len(data.texts) - rows + 1), rows)]
    bare = options.model.read_bytes()
    chance = random.Random(options.seed)
    senders = np.empty(rows, object)
    senders[:] = [each.encode() for each in chance.choices(sender_list(10 * options.senders), k=rows)]
    scorers = {"the model alone": scorer(bare)}
    for name, separate in (("one rule of all patterns", False), ("a rule a pattern", True)):
        with tempfile.NamedTemporaryFile("w", suffix=".toml", encoding="utf-8") as file:
            file.write(rules(options.senders, options.domains, options.patterns, separate, chance))
            file.flush()
            read = reading.read(Path(file.name))
        joined = joining.join(read)
        content = compiling.compile(bare, read.policy, joined.groups).content
        scorers[name] = scorer(content, {"sender": senders})
    rates = in_turns(scorers, batches, options.rounds)
    alone = statistics.median(rates["the model alone"])
    found = {
        name: {
            "messages_per_second": round(statistics.median(each)),
            "lowest": round(min(each)),
            "highest": round(max(each)),
            "times_the_model": round(alone / statistics.median(each), 2),
        }
        for name, each in rates.items()
    }
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'':26}{'msgs/CPU s':>12}{'lowest':>12}{'highest':>12}{'times the model':>18}")
    for name, each in found.items():
        cells = "".join(f"{each[key]:12,}" for key in ("messages_per_second", "lowest", "highest"))
        print(f"{name:26}{cells}{each['times_the_model']:18.2f}")


if __name__ == "__main__":
    main()
