"""The last state of a campaign: figures from lake and ledger, a report in two forms, a finished launch."""

import pytest
from botocore.exceptions import ClientError

from winback.aws.lifts import LiftStore
from winback.campaigns.launch import LaunchConflict, LaunchState
from winback.identifiers import AccountId, LaunchId
from winback.offers.offer import Offer

ACCOUNT, LAUNCH = AccountId("cdnow"), LaunchId("lau-0123456789ab")
PAGE = f"launches/account={ACCOUNT}/{LAUNCH}/report.html"


def test_a_launch_whose_window_is_over_is_measured_and_finished(world):
    world.has_run()
    answer = world.report()
    assert answer == {"launch_id": LAUNCH, "state": "finished", "interim": False}
    launch = world.launches.get(ACCOUNT, LAUNCH)
    assert launch.state is LaunchState.FINISHED
    assert launch.reported_at == launch.evaluation_ends_at
    report = world.written()
    assert report["state"] == "finished"
    assert (report["main"]["treated"]["customers"], report["main"]["held_out"]["customers"]) == (80, 20)
    # Every tenth customer is number 0, 10, 20, ...: held out, and one more came through the API.
    assert (report["main"]["treated"]["returned"], report["main"]["held_out"]["returned"]) == (0, 11)
    assert report["revenue"]["held_out"]["revenue_minor"] == 10 * 1250 + 900
    assert {name: report["ledger"][name] for name in ("planned", "delivered", "skipped", "due")} == {
        "planned": 160,
        "delivered": 80,
        "skipped": 80,  # they were still due when the window was over, and never leave
        "due": 0,
    }
    assert report["ledger"]["balanced"]
    assert all(check["holds"] for check in report["checks"])


def test_the_page_is_a_web_page(world):
    world.has_run()
    world.report()
    stored = world.s3.get_object(Bucket="lake", Key=PAGE)
    assert stored["ContentType"] == "text/html; charset=utf-8"
    assert stored["Body"].read().decode().startswith("<!DOCTYPE html>")


def test_redeemed_codes_are_counted_from_the_orders_that_name_them(world):
    offer = {"offer_id": "off-000000000001", "name": "Five off", "kind": "amount", "value": 500, "currency": "USD"}
    offer |= {"minimum_order_minor": 1000, "codes": "generated", "valid_days": 14, "created_at": "", "updated_at": ""}
    world.has_run(offer=Offer.model_validate(offer))
    world.has_order(1, 3, discount="5.00", discount_codes=[{"code": "back-1", "amount": "5.00"}])
    world.has_order(2, 15.2, discount="5.00", discount_codes=["BACK-2"])
    world.has_order(5, 4, discount="5.00", discount_codes=["BACK-3"])
    world.report()
    (given,) = world.written()["offers"]["offers"]
    found = given["redemptions"]
    assert (found["delivered"], found["redeemed"], found["rate"]) == (80, 1, 1 / 80)
    assert (found["outside_days"], found["by_held_out"], found["by_others"]) == (1, 1, 0)
    assert (found["discount_minor"], found["cost_minor"]) == (500, 500)
    page = world.s3.get_object(Bucket="lake", Key=PAGE)["Body"].read().decode()
    assert "BACK-" not in page.upper() + str(world.written()).upper()


def test_reporting_again_gives_the_same_report(world):
    world.has_run()
    world.report()
    first = world.written()
    version = world.launches.get(ACCOUNT, LAUNCH).version
    world.report()
    assert world.written() == first
    assert world.launches.get(ACCOUNT, LAUNCH).version == version


def test_before_the_window_is_over_the_report_is_interim_and_the_launch_runs_on(world, days):
    world.has_run()
    assert world.report(days(4))["interim"]
    assert world.written()["main"]["held_out"]["returned"] == 10  # the one of the fourth day is not seen yet
    assert world.launches.get(ACCOUNT, LAUNCH).state is LaunchState.RUNNING


def test_a_cancelled_launch_stays_cancelled_and_has_its_report(world, days):
    world.has_run()
    launch = world.launches.get(ACCOUNT, LAUNCH)
    world.launches.save(launch.cancelled(days(5)))
    world.report(days(5))
    launch = world.launches.get(ACCOUNT, LAUNCH)
    assert (launch.state, launch.reported_at) == (LaunchState.CANCELLED, days(5))
    assert world.written()["ledger"]["skipped_reasons"] == [{"reason": "cancelled", "count": 80}]


def test_a_launch_without_customers_is_finished_at_once(world, days):
    world.has_launch(chunks=0)
    assert world.report(days(0))["state"] == "finished"
    assert world.written()["customers"]["candidates"] == 0


def test_a_launch_that_never_started_has_no_report(world):
    world.has_launch(state=LaunchState.SCHEDULED)
    with pytest.raises(LaunchConflict, match="only a started launch has a report"):
        world.report()


def test_a_send_to_a_held_out_customer_shows_in_the_report(world):
    world.has_run()
    world.has_sent(f"{0:032x}", 1)
    world.report()
    assert [check["name"] for check in world.written()["checks"] if not check["holds"]] == ["holdout", "verdict"]


def test_a_missing_audience_file_fails_instead_of_reporting_less(world):
    world.has_run()
    world.s3.delete_object(Bucket="lake", Key=f"launches/account={ACCOUNT}/{LAUNCH}/audience/chunk-00001.jsonl.gz")
    with pytest.raises(ClientError):
        world.report()
    assert world.launches.get(ACCOUNT, LAUNCH).state is LaunchState.RUNNING


def test_a_finished_launch_leaves_what_it_measured_for_later_plans(world, days):
    world.has_run()
    world.report(days(4))
    assert LiftStore(world.campaigns).of_account(ACCOUNT) == []
    world.report()
    (lift,) = LiftStore(world.campaigns).of_account(ACCOUNT)
    assert (lift.launch_id, lift.channel, lift.currency, lift.evaluation_days) == (LAUNCH, "email", "USD", 91)
    report = world.written()
    assert (lift.treated, lift.held_out) == (80, 20)
    assert (lift.treated_won, lift.held_out_won) == (
        report["main"]["treated"]["returned"],
        report["main"]["held_out"]["returned"],
    )
    (segment,) = lift.segments
    assert segment.segment == "Slipping Regulars"
    assert (segment.held_out, segment.held_out_won) == (20, lift.held_out_won)
    world.report()
    assert LiftStore(world.campaigns).of_account(ACCOUNT) == [lift]


def test_a_report_that_cannot_be_trusted_teaches_nothing(world):
    world.has_run()
    world.has_sent(f"{0:032x}", 1)
    world.report()
    assert LiftStore(world.campaigns).of_account(ACCOUNT) == []
