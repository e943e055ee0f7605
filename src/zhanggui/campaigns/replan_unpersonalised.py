"""What who has refused personalisation since a run was planned gets instead: the arm of those who had refused before.

Law: 个人信息保护法 24, 算法推荐管理规定 17 (the switch works at once). She is decided for anew, without her profile, so that
neither the words nor the offer rest on it; the log of decisions keeps the new decision in place of the old one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from zhanggui.campaigns.campaign import Campaign
from zhanggui.campaigns.messages import PERSONAL, briefs_of, messages_of
from zhanggui.campaigns.plan import choice, plan
from zhanggui.campaigns.run_parts import RunParts
from zhanggui.campaigns.store import Run
from zhanggui.content.message import Message
from zhanggui.content.write import Copy
from zhanggui.errors import CampaignError
from zhanggui.profiles.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class ReplanUnpersonalised:
    """Of one run. `campaign`, `snapshot` and `copies` are the run's, asked for when somebody has refused."""

    parts: RunParts
    run: Run
    campaign: Callable[[], Campaign]
    snapshot: Callable[[], Snapshot]
    copies: Callable[[], Mapping[str, Copy]]

    def __call__(self, message: Message) -> Message | None:
        """The message in place of `message`; None where every offer is chosen by profile, or the campaign has become
        unreadable since. No model is asked.
        """
        parts, run = self.parts, self.run
        try:
            found = self.campaign()
        except CampaignError:  # planned by a version that knew other predicates; her refusal stands all the same
            return None
        # That she gets a message on this channel is decided; open is what it says.
        campaign = replace(found, channels=(message.channel,), allow_nothing=False, holdout=0.0, max_messages=None)
        options = choice(parts, campaign)
        for decisions, table in plan(
            parts,
            campaign,
            self.snapshot(),
            options,
            run_id=run.run_id,
            now=run.moment,
            customer_ids=[message.customer_id],
            draw="without profile",
        ):
            rows = {row["customer_id"]: row for row in table.select(list(PERSONAL)).to_pylist()}
            todo = briefs_of(parts, campaign, options, decisions, rows)
            for made in messages_of(parts, run, options, todo, self.copies()):
                if made.proof["personalised"]:
                    return None  # she has changed her mind again while we looked
                parts.decisions.amend(decisions)
                return replace(made, address=message.address, send_at=message.send_at, expires_at=message.expires_at)
        return None
