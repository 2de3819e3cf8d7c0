"""How to train is chosen for each corpus, on messages that were held out, and the scores are calibrated by them."""

import csv
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
from tensorflow.compat import v1

from model import corpus
from model.checkpoints import saving
from model.corpus import Labelled
from model.quality import calibration, evaluate
from model.quality.calibration import Platt
from model.training import choice, ngrams, resume, train
from model.training.grid import Grid, grid
from model.training.trials import Setting, Trials
from tests.model.conftest import values
from tests.support.model_room import complaint, model, succeed

MARKS = [b"win", b"free", b"prize", b"claim", b"cash", b"now", b"reply", b"click", b"urgent"]
ORDINARY = [b"see", b"you", b"at", b"lunch", b"home", b"by", b"six", b"train", b"late"]


def invented(spam: int, ham: int, noise: float, seed: int = 0) -> Labelled:
    """Messages whose words only hint at their label: a share `noise` of spam's words is ordinary, and as many of ham's
    words are spam's."""
    chance = random.Random(seed)
    texts, labels = [], [True] * spam + [False] * ham
    chance.shuffle(labels)
    for label in labels:
        is_hint = [chance.random() >= noise for _ in range(chance.randint(3, 9))]
        texts.append(b" ".join(chance.choice(MARKS if label == each else ORDINARY) for each in is_hint))
    return Labelled(np.array(texts, object), np.array(labels))


@pytest.fixture(scope="module")
def uneven() -> Labelled:
    return invented(spam=60, ham=300, noise=0.3)


def written(data: Labelled, path: Path) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["label", "text"])
        rows.writerows(("spam" if label else "ham", text.decode()) for text, label in zip(*data, strict=True))
    return path


@pytest.mark.parametrize(("telling", "intercept_l2"), [(0.0, 0.1), (1.0, 0.0)])
def test_a_trial_is_the_training_that_it_stands_for(uneven: Labelled, telling: float, intercept_l2: float) -> None:
    """Else what is chosen would be best for another program. No message is in the first fold: it lacks none."""
    plan, setting = train.Plan(epochs=2), Setting(3e-3, 0.5, 2.0, telling, intercept_l2)
    whole = np.ones(len(uneven.texts), np.int64)
    trials = Trials(ngrams.count(uneven.texts), uneven.labels, whole, [setting], plan.batch, plan.seed)
    for _ in range(2):
        trials.take_pass()
    with train.trained(uneven, plan._replace(**setting._asdict())) as result:
        variables = {each.op.name: each for each in result.session.graph.get_collection("variables")}
        mean, bias = result.session.run([variables["weights_mean"], variables["bias_mean"]])
    np.testing.assert_allclose(trials._bias_mean[0], bias, rtol=1e-4)
    np.testing.assert_allclose(np.sort(trials._mean[:, 0]), np.sort(mean[mean != 0]), atol=1e-4)


def test_a_message_counts_nothing_for_the_trial_that_holds_it_out(uneven: Labelled) -> None:
    counted = ngrams.count(uneven.texts)
    assigned = np.arange(len(uneven.texts)) % 3
    first = assigned == 0
    settings = [Setting(1e-3, 1.0, 1.0), Setting(1e-2, 0.3, 1.0)]
    before = Trials(counted, uneven.labels, assigned, settings, 64, 0).take_pass()
    after = Trials(counted, uneven.labels ^ first, assigned, settings, 64, 0).take_pass()
    np.testing.assert_array_equal(before[:, first], after[:, first])
    assert (before[:, ~first] != after[:, ~first]).any()


def test_settings_that_go_on_are_not_touched_by_those_that_end(uneven: Labelled) -> None:
    counted, assigned = ngrams.count(uneven.texts), np.arange(len(uneven.texts)) % 2
    settings = [Setting(1e-3, 1.0, 1.0), Setting(1e-2, 0.3, 2.0), Setting(1e-4, 0.3, 1.0)]
    both = Trials(counted, uneven.labels, assigned, settings, 64, 0)
    both.take_pass()
    both.keep([1])
    alone = Trials(counted, uneven.labels, assigned, settings[1:2], 64, 0)
    alone.take_pass()
    np.testing.assert_allclose(both.take_pass(), alone.take_pass(), atol=1e-4)


@pytest.mark.parametrize(("spam", "ham"), [(60, 300), (300, 60)])
def test_half_is_the_break_even_point_and_scores_are_probabilities(spam: int, ham: int) -> None:
    """Whatever the share of spam: nobody's ham is blocked for being rarer than in the corpus this was made with."""
    data = invented(spam, ham, noise=0.3)
    found = choice.choose(data, train.Plan(), grid(fast=True))
    new = invented(spam * 5, ham * 5, noise=0.3, seed=1)
    with train.trained(data, found.plan, calibrations=found.calibrations) as result:
        scores = result.session.run("score:0", {"text:0": new.texts})
    assert calibration.calibration_error(calibration.equal_mass(scores, new.labels)) < 0.05
    errors = [int(((scores >= threshold) != new.labels).sum()) for threshold in np.arange(0.02, 1, 0.02)]
    assert ((scores >= 0.5) != new.labels).sum() <= 1.25 * min(errors) + 3


def with_links(count: int) -> Labelled:
    """Short ham, and long spam that has a link each time: what tells them apart leaves spam's words nothing to do."""
    chance = random.Random(0)
    texts, labels = [], []
    for number in range(count):
        labels.append(number % 2 == 0)
        words = [chance.choice(ORDINARY) for _ in range(chance.randint(2, 4))]
        if labels[-1]:
            words += [*(chance.choice(MARKS) for _ in range(6)), b"https://%d.example/%d" % (number, number)]
        texts.append(b" ".join(words))
    return Labelled(np.array(texts, object), np.array(labels))


@pytest.mark.parametrize("fast", [True, False])
def test_words_of_spam_are_spam_without_the_link_that_all_spam_has(fast: bool) -> None:
    """Who sends spam changes their links first."""
    data = with_links(300)
    found = choice.choose(data, train.Plan(), grid(fast=fast))
    assert (found.accuracy, found.is_default) == (1.0, True)
    texts = np.array([b"win a prize, reply now", b"urgent: claim free cash", b"home by six"], object)
    with train.trained(data, found.plan, calibrations=found.calibrations) as result:
        win, urgent, home = result.session.run("score:0", {"text:0": texts})
    assert min(win, urgent) > 0.5 > home


def test_a_held_intercept_leaves_what_is_unknown_nearer_to_the_middle() -> None:
    """A free one learns that what has no link is ham, and spam of a new kind passes with it."""
    data = with_links(600)
    unknown = []
    for l2 in (0.0, train.Plan().intercept_l2):
        with train.trained(data, train.Plan(intercept_l2=l2)) as result:
            unknown.append(result.session.run("score:0", {"text:0": [b"xyzzy"]})[0])
    free, held = unknown
    assert free + 0.02 < held < 0.5


def test_fast_asks_one_fold_alone_where_that_has_enough_of_both_labels() -> None:
    """What calibrates the defaults costs about as much as training does."""
    enough = with_links(choice.ENOUGH * 2)
    found = choice.choose(enough, train.Plan(), grid(fast=True))
    assert (found.held_out, found.accuracy) == (len(enough.texts) / choice.FOLDS, 1.0)
    few = with_links(choice.ENOUGH)
    assert choice.choose(few, train.Plan(), grid(fast=True)).held_out == len(few.texts)


def test_an_n_gram_tells_little_when_one_message_has_it_most_when_it_is_of_the_rarer_label() -> None:
    spam_with, ham_with = np.array([0, 0, 1, 0, 50]), np.array([0, 1, 0, 500, 0])
    unseen, once_ham, once_spam, often_ham, often_spam = ngrams.log_ratios(spam_with, ham_with, 100, 900)
    assert unseen == pytest.approx(0, abs=1e-6)
    assert once_ham < once_spam < often_spam
    assert once_ham < 0.2 * often_ham


def test_the_choice_is_the_best_of_the_grid_and_the_same_each_time(uneven: Labelled) -> None:
    among = Grid(passes=6)
    heard: list[None] = []
    found = choice.choose(uneven, train.Plan(), among, lambda: heard.append(None))
    # The default and eight others; of the best, another rate, a held or free intercept, and two weights.
    assert (found.compared, found.folds, len(found.calibrations)) == (9 + 4, 5, 6)
    assert found.held_out == len(uneven.texts)
    alone = [
        choice.choose(uneven, train.Plan(), Grid(l2=l2, learning_rate=rate, passes=6))
        for l2, rate in ((100, 1), (1e-3, 0.001))
    ]
    assert all(found.log_loss < each.log_loss for each in alone)  # these hardly learn
    assert len(heard) == choice.effort(uneven.labels, train.Plan(), among)
    assert choice.choose(uneven, train.Plan(), among) == found


def test_what_was_chosen_comes_back_from_what_checkpoints_keep(uneven: Labelled) -> None:
    found = choice.choose(uneven, train.Plan(seed=3), grid(fast=True, spam_weight=2.0))
    kept = choice.recalled(json.loads(json.dumps(found.terms())), train.Plan(seed=3))
    assert (kept.plan, kept.calibrations) == (found.plan, found.calibrations)


def test_the_options_that_are_given_are_not_chosen(uneven: Labelled) -> None:
    given = grid(l2=0.5, learning_rate=0.25, spam_weight=3.0)
    tried = [*given.settings, *given.variants(given.settings[0], uneven.labels)]
    assert len(tried) > 2
    assert {(each.l2, each.learning_rate, each.spam_weight) for each in tried} == {(0.5, 0.25, 3.0)}
    found = choice.choose(uneven, train.Plan(), given._replace(passes=2))
    assert (found.plan.l2, found.plan.learning_rate, found.plan.spam_weight) == (0.5, 0.25, 3.0)


def test_of_more_messages_a_sample_is_searched_and_a_part_calibrates(
    uneven: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "SAMPLE", 200)
    monkeypatch.setattr(choice, "RARE", 50)
    rows = choice._sample(uneven.labels, seed=0)
    assert (len(rows), int(uneven.labels[rows].sum())) == (200, 50)
    heard: list[None] = []
    among = grid(fast=True)
    found = choice.choose(uneven, train.Plan(), among, lambda: heard.append(None))
    assert found.plan.epochs == 4  # 6 passes over 200 are 4 over 360: more steps, fewer for each message
    assert len(found.calibrations) == 1
    assert found.accuracy > 0.8
    assert 0 < len(heard) <= choice.effort(uneven.labels, train.Plan(), among)


def test_calibration_finds_the_scale_and_shift_that_made_the_labels() -> None:
    chance = np.random.RandomState(0)
    margins = chance.normal(size=20_000)
    labels = chance.uniform(size=20_000) < 1 / (1 + np.exp(-(3 * margins - 1)))
    found = calibration.platt(margins, labels)
    assert found == pytest.approx((3, -1), abs=0.1)
    assert found.log_loss(margins, labels) <= min(
        Platt(3 + a, -1 + b).log_loss(margins, labels) for a in (-0.3, 0, 0.3) for b in (-0.3, 0, 0.3)
    )


def test_calibration_stays_finite_where_labels_are_told_apart_and_flat_where_not_at_all() -> None:
    margins, labels = np.array([-2.0, -1.0, 1.0, 2.0]), np.array([False, False, True, True])
    assert 0.5 < calibration.platt(margins, labels).scale < 5
    assert calibration.platt(margins * 1e6, labels).scale == pytest.approx(
        calibration.platt(margins, labels).scale / 1e6, rel=1e-3
    )
    for useless in (-margins, np.zeros(4)):
        found = calibration.platt(useless, labels)
        assert (found.scale, found.shift) == (0, pytest.approx(0, abs=1e-6))


def test_bins_of_equal_mass_have_as_many_messages_each() -> None:
    scores = np.array([0.0, 0.01, 0.02, 0.03, 0.98, 0.99], np.float32)
    bins = calibration.equal_mass(scores, np.array([False, False, True, False, True, True]), 3)
    assert [(each.messages, each.spam) for each in bins] == [(2, 0), (2, 1), (2, 2)]
    assert len(calibration.equal_mass(scores[:2], np.zeros(2, bool), 10)) == 2


def test_training_says_what_it_chose_and_keeps_it(uneven: Labelled, tmp_path: Path) -> None:
    path = written(uneven, tmp_path / "mine.csv")
    words = ("train", path, "--checkpoints", tmp_path / "run", "--l2", 0.001)
    result = model(*words, "--steps", 3)
    assert result.exit_code == 0, result.output
    said = result.stderr.partition("training: ")[0]
    assert re.match(r"chosen, .* best of 7 settings on 5 inner folds: L2 0.001, learning rate ", said)
    assert "\ncalibrated on 360 held out: log loss 0." in said
    assert all(len(line) <= 80 for line in said.splitlines())
    assert len(said.splitlines()) <= 4
    on = model(*words, "--steps", 5, "--json")
    assert "going on from step 3 of 5" in on.stderr
    assert "chosen" not in on.stderr  # it was, once
    assert json.loads(on.stdout)["l2"] == 0.001
    succeed("train", path, "--checkpoints", tmp_path / "in one go", "--l2", 0.001, "--steps", 5)
    assert values(tmp_path / "run" / "model.ckpt-5") == values(tmp_path / "in one go" / "model.ckpt-5")
    assert "a run on other terms (other options)" in complaint(*words[:-1], 0.01)
    assert "a run on other terms (other options)" in complaint(*words, "--fast")


def test_a_run_of_an_earlier_version_is_refused_with_what_to_do(uneven: Labelled, tmp_path: Path) -> None:
    """It has no means over passes and no calibration: nothing can be chosen for it afterwards."""
    path = written(uneven, tmp_path / "mine.csv")
    with v1.Graph().as_default() as graph, v1.Session(graph=graph) as session:
        resume.record({"messages": resume.digest(corpus.read([path])), "seed": 0, "learning_rate": 0.5})
        session.run(v1.global_variables_initializer())
        saving.save(session, tmp_path / "run", 3, saving.Policy())
    assert complaint("train", path, "--checkpoints", tmp_path / "run") == (
        f"model: {tmp_path}/run holds a run that another version of this program began; --again removes it and starts "
        "over, another --checkpoints leaves it"
    )


def test_what_is_served_is_the_mean_over_passes_calibrated(uneven: Labelled) -> None:
    """In the fixed-point weights, so that serving costs nothing more; within a pass, as if that ended there."""
    calibrations = (Platt(2.0, 0.5), Platt(3.0, -0.25), Platt(5.0, 0.0))
    a_pass = train.Plan().steps_a_pass(len(uneven.texts))
    for steps, (scale, shift) in ((a_pass, (2.0, 0.5)), (a_pass + 1, (3.0, -0.25)), (4 * a_pass, (5.0, 0.0))):
        with train.trained(uneven, train.Plan(steps=steps), calibrations=calibrations) as result:
            names = ("weights", "weights_mean", "ratios", "weights_fixed", "bias", "bias_mean", "bias_fixed")
            variables = {each.op.name: each for each in result.session.graph.get_collection("variables")}
            now, mean, ratios, fixed, bias, bias_mean, bias_fixed = result.session.run(
                [variables[name] for name in names]
            )
        share = 0 if steps % a_pass == 0 else 2 / 3
        np.testing.assert_allclose(fixed / 65536, (mean + (now - mean) * share) * ratios * scale, atol=1e-4)
        assert bias_fixed / 65536 == pytest.approx((bias_mean + (bias - bias_mean) * share) * scale + shift, abs=1e-4)
        assert (now != mean).any() or steps == a_pass


def test_messages_of_one_label_are_one_line(tmp_path: Path) -> None:
    path = written(invented(0, 3, 0), tmp_path / "ham.csv")
    line = complaint("train", path, "--checkpoints", tmp_path / "run")
    assert line == "model: all 3 messages are ham: a model learns from messages of both labels"
    assert not (tmp_path / "run").exists()


def test_three_messages_train_with_a_warning(tmp_path: Path) -> None:
    path = written(invented(1, 2, 0), tmp_path / "few.csv")
    result = model("train", path, "--checkpoints", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "warning: only 1 spam message: the model, and what is said of it, hang on chance" in result.stderr
    assert "nothing chosen, too few messages of one label; not calibrated: L2 " in result.stderr


def test_texts_with_both_labels_are_counted(tmp_path: Path) -> None:
    data = Labelled(np.array([b"a", b"free cash", b"b", b"FREE cash"], object), np.array([False, True, False, False]))
    assert corpus.doubts(data)[1] == (
        "warning: 2 messages have the same text as one with the other label (the first is message 2): scores of such "
        "texts go to the middle"
    )


def test_labels_by_chance_give_no_certain_score() -> None:
    chance = np.random.RandomState(0)
    data = Labelled(invented(100, 100, noise=0.5).texts, chance.permutation(np.arange(200) % 2 == 0))
    [found] = [choice.choose(data, train.Plan(), grid(fast=True))]
    scores = evaluate.cross_validate(data, [found] * 2)
    assert ((scores > 0.2) & (scores < 0.8)).mean() > 0.9
