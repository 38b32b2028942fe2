"""Search spaces: the genes of the data times those of one family of networks, or of several."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from danas_hil.base import DanasError
from danas_hil.base.genes import drawn, either
from danas_hil.families import Architecture, ArchSpace, ElasticSpace, find_family
from danas_hil.signals import DataConfig, DataSpace
from danas_hil.space.genome import Genome

if TYPE_CHECKING:  # the estimate of a file needs no numpy, and is to be quick
    import numpy as np

DATA_WEIGHT = 0.4
"""The chance that a mutation changes the data, as in the reference implementation; the groups of a
family share the rest."""
FAMILY_WEIGHT = 0.2
"""The chance, beside these, that it takes a network of another family, where there are several."""
_FAMILY = "family"


@dataclass(frozen=True)
class Space:
    """Genomes that a search may choose, and the ways from one to another; all are feasible.

    data: the data's part. archs: the part of each family. Families whose networks share weights
    and families whose networks are trained from scratch are not searched together: a step of the
    one says nothing of what a step of the other is worth.
    """

    data: DataSpace
    archs: tuple[ArchSpace, ...]

    def __post_init__(self) -> None:
        names = [arch.family for arch in self.archs]
        if not names or len(set(names)) < len(names):
            raise DanasError("A search space has one family of networks or several, each once.")
        taken: dict[str, str] = dict.fromkeys(self.data.genes, f"the signal {self.data.signal}")
        for arch in self.archs:
            for gene in arch.genes:
                if gene in taken and taken[gene].startswith("the signal"):
                    raise DanasError(
                        f"{taken[gene]} and the family {arch.family} both have a gene {gene!r}."
                    )
        shared = [name for name in names if find_family(name).elastic]
        if 0 < len(shared) < len(names):
            scratch = ", ".join(sorted(set(names) - set(shared)))
            raise DanasError(
                f"The networks of {scratch} are trained from scratch, those of"
                f" {', '.join(shared)} share weights: one search can't have both.",
                "Search them one after the other, with names of their own (--name), or compare"
                " them with danas-hil experiment.",
            )
        for data in self.data.configs:  # raises where a family has nothing for a configuration
            for arch in self.archs:
                arch.leanest(data.shape)

    def to_json(self) -> dict[str, Any]:
        """What `space_from_json` reads."""
        return {
            "signal": self.data.signal,
            "family": [arch.family for arch in self.archs],
            self.data.signal: self.data.to_json(),
            **{arch.family: arch.to_json() for arch in self.archs},
        }

    # -- what is in it -------------------------------------------------------------------------

    @property
    def families(self) -> tuple[str, ...]:
        return tuple(arch.family for arch in self.archs)

    @property
    def shares_weights(self) -> bool:
        """Whether its networks are subnets of supernets; else each is trained from scratch."""
        return find_family(self.archs[0].family).elastic

    def of(self, family: str) -> ArchSpace:
        """The part of a family. Raises DanasError where there is none."""
        for arch in self.archs:
            if arch.family == family:
                return arch
        raise DanasError(f"This search space has no networks of the family {family}.")

    def subnets(self, family: str) -> ElasticSpace:
        """The part of a family as one of subnets. Raises DanasError if it is none."""
        if not find_family(family).elastic:
            raise DanasError(f"The networks of {family} share no weights.")
        return self.of(family)  # type: ignore[return-value]  # an elastic family's space is one

    def only(self, family: str) -> Space:
        """The genomes of one family. Raises DanasError if there is no such part."""
        return Space(self.data, (self.of(family),))

    @property
    def data_configs(self) -> tuple[DataConfig, ...]:
        """Every data configuration, the smallest first."""
        return self._configs

    @property
    def size(self) -> int:
        """How many different genomes there are."""
        return sum(arch.size(data.shape) for data in self._configs for arch in self.archs)

    def genomes(self) -> list[Genome]:
        """Every genome there is, always in the same order: only for a space of moderate `size`."""
        return [
            Genome(data, network)
            for data, arch in itertools.product(self._configs, self.archs)
            for network in arch.all(data.shape)
        ]

    def __contains__(self, genome: object) -> bool:
        return (
            isinstance(genome, Genome)
            and genome.data in self._configs
            and genome.family in self.families
            and self.of(genome.family).contains(genome.arch, genome.data.shape)
        )

    def leanest(self, data: DataConfig) -> tuple[Genome, ...]:
        """Genomes of `data` that need little: if none of them fits somewhere, nothing does."""
        return tuple(
            Genome(data, network) for arch in self.archs for network in arch.leanest(data.shape)
        )

    # -- as genes --------------------------------------------------------------------------------

    @property
    def genes(self) -> dict[str, tuple[Any, ...]]:
        """The values of each gene; with several families `family`, and theirs as `ds_cnn.alpha`."""
        if len(self.archs) == 1:
            return {**self.data.genes, **self.archs[0].genes}
        found = {**self.data.genes, _FAMILY: self.families}
        for arch in self.archs:
            found |= {f"{arch.family}.{gene}": values for gene, values in arch.genes.items()}
        return found

    def values(self, genome: Genome) -> dict[str, Any]:
        """The value of each of `genes` for a genome of the space.

        Genes of families that it is not of have those of their leanest network.
        """
        found = {**genome.data.to_json(), _FAMILY: genome.family}
        if len(self.archs) == 1:
            found |= genome.arch.to_json()
        else:
            for arch in self.archs:
                own = arch.family == genome.family
                of = genome.arch if own else arch.leanest(genome.data.shape)[0]
                found |= {f"{arch.family}.{gene}": value for gene, value in of.to_json().items()}
        return {gene: found[gene] for gene in self.genes}

    def genome(self, genes: Mapping[str, Any]) -> Genome:
        """The genome with these values of `genes`, or the one that a repair makes of it."""
        data = self.data.from_genes(genes)
        if len(self.archs) == 1:
            return Genome(data, self.archs[0].from_genes(genes, data.shape))
        family = genes[_FAMILY]
        own = {gene.partition(".")[2]: value for gene, value in genes.items()
               if gene.startswith(f"{family}.")}  # fmt: skip
        return Genome(data, self.of(family).from_genes(own, data.shape))

    # -- moving about in it --------------------------------------------------------------------

    def sample(self, rng: np.random.Generator, data: DataConfig | None = None) -> Genome:
        """A genome, each gene drawn evenly and then repaired; of `data` if given."""
        seen = data or self.data.sample(rng)
        return Genome(seen, self._drawn(rng).sample(rng, seen.shape))

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """A genome that differs in one gene (and what its repair changes on top).

        Of groups with nothing to change none is drawn. Ordered genes move one step, the others are
        redrawn. Raises DanasError when the space has one genome.
        """
        own, shape = self.of(genome.family), genome.data.shape
        groups = [(DATA_WEIGHT, [Genome(data, own.repaired(genome.arch, data.shape))
                                 for data in self.data.neighbours(genome.data)])]  # fmt: skip
        groups += [
            (weight, [Genome(genome.data, arch) for arch in archs])
            for weight, archs in own.neighbours(genome.arch, shape)
        ]
        others = [arch for arch in self.archs if arch.family != genome.family]
        if others:
            other = [Genome(genome.data, arch.sample(rng, shape)) for arch in others]
            groups.append((FAMILY_WEIGHT, other))
        return one_of(groups, genome, rng)

    def crossover(self, one: Genome, other: Genome, rng: np.random.Generator) -> Genome:
        """Each gene from either parent with equal chance, then repaired.

        Of parents of two families the network is that of one of them.
        """
        data = self.data.crossover(one.data, other.data, rng)
        if one.family == other.family:
            arch = self.of(one.family).crossover(one.arch, other.arch, rng, data.shape)
        else:
            chosen: Architecture = either(rng, one.arch, other.arch)
            arch = self.of(chosen.family).repaired(chosen, data.shape)
        return Genome(data, arch)

    # -- inside --------------------------------------------------------------------------------

    @cached_property
    def _configs(self) -> tuple[DataConfig, ...]:
        return tuple(self.data.configs)

    def _drawn(self, rng: np.random.Generator) -> ArchSpace:
        """A family: nothing is drawn where there is one."""
        return self.archs[0] if len(self.archs) == 1 else drawn(rng, self.archs)


def one_of(
    groups: Iterable[tuple[float, Sequence[Genome]]], genome: Genome, rng: np.random.Generator
) -> Genome:
    """A neighbour of `genome`: of a group that is drawn by its weight, where all are alike.

    A repair can undo a step: `genome` itself counts for nothing, and groups without others are
    left out. Raises DanasError where all are.
    """
    others = [(weight, [one for one in group if one != genome]) for weight, group in groups]
    others = [(weight, group) for weight, group in others if group]
    if not others:
        raise DanasError(
            "This search space has a single genome: nothing can mutate.",
            "Give at least one gene two values.",
        )
    total = sum(weight for weight, _ in others)
    shares = [weight / total for weight, _ in others]
    group = others[int(rng.choice(len(others), p=shares))][1]
    return group[int(rng.integers(len(group)))]
