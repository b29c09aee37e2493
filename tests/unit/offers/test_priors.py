import pytest

from winback.predictions.offers.effects import NO_OFFER, EffectSource
from winback.predictions.offers.priors import prior_effects, shipped_priors
from winback.segmentation.grid import CELLS


def test_every_cell_of_the_grid_has_a_cautious_prior() -> None:
    assert set(shipped_priors()) == {(str(cell.value_tier), str(cell.status)) for cell in CELLS}
    for prior in shipped_priors().values():
        assert 0 <= prior.message <= 0.05
        assert abs(prior.offer) <= 0.05
        assert prior.error >= prior.message  # unsure enough that none of it is a finding


def test_a_prior_is_marked_as_one_and_names_no_model() -> None:
    found = prior_effects("Mass", "At Risk", [NO_OFFER, "coupon"])
    assert {(each.source, each.model_id) for each in found.values()} == {(EffectSource.PRIOR, None)}
    assert found["coupon"].uplift > found[NO_OFFER].uplift
    active = prior_effects("VIP", "Active", [NO_OFFER, "coupon"])
    assert active["coupon"].uplift < active[NO_OFFER].uplift
    with pytest.raises(KeyError):
        prior_effects("Mass", "Nowhere", [NO_OFFER])
