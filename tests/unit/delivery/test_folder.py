"""Messages kept as files instead of sent."""

from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest

from example_messages import message
from zhanggui.delivery.channel import Channel, Receipt
from zhanggui.delivery.folder import FolderChannel
from zhanggui.errors import DeliveryError

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_each_message_is_a_file_and_the_same_again_replaces_itself(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    channel = FolderChannel(folder=str(folder), sender="news@shop.example", sender_name="Tea", clock=lambda: NOW)
    assert isinstance(channel, Channel)
    sent = [message(), message(subject="Newer tea"), message(message_id="m2")]
    receipts = list(channel.send(sent))
    assert receipts == [Receipt(message_id=mail.message_id, outcome="accepted", detail="kept") for mail in sent]
    assert sorted(path.name for path in folder.iterdir()) == ["m1.eml", "m2.eml"]
    mail = message_from_bytes((folder / "m1.eml").read_bytes())
    assert mail["Subject"] == "Newer tea"
    assert mail["From"] == "Tea <news@shop.example>"
    assert mail["Date"] == "Sun, 01 Mar 2026 00:00:00 +0000"


def test_the_date_is_now_without_another_clock(tmp_path: Path) -> None:
    list(FolderChannel(folder=str(tmp_path), sender="a@b.c").send([message()]))
    mail = message_from_bytes((tmp_path / "m1.eml").read_bytes())
    assert str(datetime.now(UTC).year) in mail["Date"]
    assert mail["From"] == "a@b.c"


def test_a_message_that_cannot_be_built_ends_with_a_reason_and_the_others_are_kept(tmp_path: Path) -> None:
    channel = FolderChannel(folder=str(tmp_path), sender="news@shop.example")
    bad, escape, good = channel.send(
        [message(address="jane@gmail.com."), message(message_id="../m9"), message(message_id="m2")]
    )
    assert (bad.outcome, bad.bad_address, "jane@gmail.com." in bad.detail) == ("rejected", False, True)
    assert bad.detail.startswith("no e-mail can be made of it: ")
    assert escape.outcome == "rejected"
    assert good.outcome == "accepted"
    assert [path.name for path in tmp_path.iterdir()] == ["m2.eml"]
    assert not (tmp_path.parent / "m9.eml").exists()


def test_a_reason_is_cut_to_a_length_that_can_be_kept(tmp_path: Path) -> None:
    hostile = message(data={"unsubscribe_url": "\ud800" * 400 + "no link"}, message_id="m")
    (receipt,) = FolderChannel(folder=str(tmp_path), sender="a@b.c").send([hostile])
    assert len(receipt.detail) == 300


def test_a_folder_that_takes_nothing_means_try_again_later(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (receipt,) = FolderChannel(folder=str(tmp_path / "file"), sender="a@b.c").send([message()])
    assert (receipt.message_id, receipt.outcome, "file" in receipt.detail) == ("m1", "retry", True)


def test_a_sender_that_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="nobody"):
        FolderChannel(folder=str(tmp_path), sender="nobody")
