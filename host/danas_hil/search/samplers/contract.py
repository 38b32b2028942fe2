"""What every sampler keeps to, as tests: for ours, and for those of other packages.

In a test module that pytest collects:

    from danas_hil.search.samplers.contract import SamplerContract

    class TestMine(SamplerContract):
        def make(self, space, seed):
            return MySampler(space, seed)

The evaluations are made up: scores and sizes follow from a genome's id alone.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import numpy as np

from danas_hil.run import Evaluation
from danas_hil.search.samplers.interface import NothingLeftError, Sampler
from danas_hil.space import DEFAULT_SPACE, Genome, Space, space_from_json
from danas_hil.tasks import Scores

_LENGTH = 40
"""Evaluations of a search: beyond the first population of a usual sampler."""


def made_up(genome: Genome, index: int) -> Evaluation:
    """The evaluation of `genome`: one in seven has failed, the others score by their id."""
    value = int(genome.id, 16)
    share, failed = value % 997 / 997, index % 7 == 3
    ram_bytes, flash_bytes = 10_000 + value % 90_000, 20_000 + value % 80_000
    if failed:
        return Evaluation(index, genome, "failed", ram_bytes, flash_bytes, reason="made up")
    return Evaluation(
        index,
        genome,
        "complete",
        ram_bytes,
        flash_bytes,
        Scores(0.5 + share / 2, share, share, 100),
        fitness=2 * share,
        feasible=value % 2 == 0,
    )


def searched(sampler: Sampler, count: int, history: Sequence[Evaluation] = ()) -> list[Evaluation]:
    """What a search comes to that goes on from `history` to `count` evaluations."""
    found = list(history)
    while len(found) < count:
        seen = {evaluation.genome for evaluation in found}
        genome = sampler.propose(tuple(found), lambda genome, seen=seen: genome not in seen)  # type: ignore[misc]
        found.append(made_up(genome, len(found)))
    return found


def anything(_genome: Genome) -> bool:
    """Every genome is acceptable."""
    return True


class SamplerContract:
    """Subclass it under a name that begins with Test, and say how the sampler is made."""

    def make(self, space: Space, seed: int) -> Sampler:
        """A new sampler of genomes of `space`."""
        raise NotImplementedError("A subclass makes the sampler that it tests.")

    def spaces(self) -> list[Space]:
        """Spaces that it has to be able to search: of a family, of another, of two at once."""
        return [
            space_from_json({"resolution": [32, 64], "alpha": [0.1, 0.2, 0.3]}),
            space_from_json({"family": "layers", "resolution": [32, 64], "layers": [1, 2, 3]}),
            space_from_json({"family": ["mobilenet_v2", "ds_cnn"], "resolution": [32]}),
        ]

    def small_space(self) -> Space:
        """A space of a few genomes, which is gone through."""
        genes = {"b3": [0, 1], "b4": [0], "b5": [0], "b6": [0], "b7": [0]}
        shown = {"resolution": [32], "colour": ["rgb"]}
        return space_from_json({**shown, **genes, "alpha": [0.1, 0.2, 0.3]})

    def large_space(self) -> Space:
        """A space of which hardly any genome is met by chance."""
        return DEFAULT_SPACE

    def test_the_same_seed_gives_the_same_genomes(self) -> None:
        for space in self.spaces():
            one, other = (searched(self.make(space, 5), _LENGTH) for _ in range(2))
            assert one == other, "two samplers of one seed differ"

    def test_another_seed_gives_other_genomes(self) -> None:
        for space in self.spaces():
            one, other = (searched(self.make(space, seed), _LENGTH) for seed in (5, 6))
            assert [e.genome for e in one] != [e.genome for e in other], "the seed changes nothing"

    def test_a_search_cut_anywhere_goes_on_as_if_it_had_not_been(self) -> None:
        for space in self.spaces():
            whole = searched(self.make(space, 1), _LENGTH)
            for cut in (0, 1, 11, 13, 24, 28, _LENGTH - 1):
                again = searched(self.make(space, 1), _LENGTH, whole[:cut])
                assert again == whole, f"a search that was resumed after {cut} evaluations differs"

    def test_a_history_that_was_written_and_read_gives_the_same_genome(self) -> None:
        for space in self.spaces():
            history = searched(self.make(space, 4), 30)
            read = [Evaluation.from_json(json.loads(json.dumps(e.to_json()))) for e in history]
            one, other = (self.make(space, 4).propose(rows, anything) for rows in (history, read))
            assert one == other, "what was read from JSON gives another genome"

    def test_a_proposal_does_not_depend_on_what_was_asked_before(self) -> None:
        for space in self.spaces():
            used = self.make(space, 1)
            one, other = (searched(self.make(space, seed), _LENGTH) for seed in (1, 2))
            for history in (one, other, one[:20], other[:30]):
                fresh = self.make(space, 1).propose(history, anything)
                assert used.propose(history, anything) == fresh, "an earlier question counts"

    def test_no_genome_comes_twice_and_all_are_of_the_space(self) -> None:
        for space in self.spaces():
            genomes = [evaluation.genome for evaluation in searched(self.make(space, 2), 80)]
            assert len(set(genomes)) == len(genomes), "a genome came twice"
            assert all(genome in space for genome in genomes), "a genome is not of the space"

    def test_only_acceptable_genomes_are_proposed(self) -> None:
        for space in self.spaces():
            history: list[Evaluation] = []
            for _ in range(25):
                genome = self.make(space, 3).propose(
                    history, lambda genome: int(genome.id, 16) % 5 == 0
                )
                assert int(genome.id, 16) % 5 == 0, f"{genome} was refused, and proposed"
                history.append(made_up(genome, len(history)))

    def test_a_small_space_is_found_to_the_last_genome_and_then_refused(self) -> None:
        space = self.small_space()
        found = searched(self.make(space, 0), space.size)
        assert len({evaluation.genome for evaluation in found}) == space.size, "not all were found"
        try:
            searched(self.make(space, 0), space.size + 1, found)
        except NothingLeftError:
            return
        raise AssertionError("NothingLeftError is not raised where every genome was looked at")

    def test_the_one_genome_that_is_acceptable_is_found(self) -> None:
        space = self.large_space()
        wanted = space.sample(np.random.default_rng(20_011))
        found = self.make(space, 0).propose([], lambda genome: genome == wanted)
        assert found == wanted, f"{found} is proposed where only {wanted} is acceptable"

    def test_a_history_of_failures_is_borne(self) -> None:
        for space in self.spaces():
            genomes = [evaluation.genome for evaluation in searched(self.make(space, 0), 30)]
            failures = [
                Evaluation(index, genome, "failed", 1, 1, reason="made up")
                for index, genome in enumerate(genomes)
            ]
            assert self.make(space, 0).propose(failures, anything) in space

    def test_the_history_is_left_as_it_is(self) -> None:
        for space in self.spaces():
            history = searched(self.make(space, 0), 30)
            before = list(history)
            self.make(space, 0).propose(history, anything)
            assert history == before, "the history that it was asked with is changed"

    def test_the_random_numbers_of_others_are_left_alone(self) -> None:
        for space in self.spaces():
            before = random.getstate(), repr(np.random.get_state())
            searched(self.make(space, 0), _LENGTH)
            after = random.getstate(), repr(np.random.get_state())
            assert before == after, "global random numbers were drawn"
