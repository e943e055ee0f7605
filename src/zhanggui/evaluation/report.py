"""The report of a run: what was decided, written, sent and answered, in English and Chinese. Computes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from zhanggui.attribution.holdout import Lift
from zhanggui.campaigns.store import RunState
from zhanggui.catalog.product import Language
from zhanggui.content.rules import MESSAGES
from zhanggui.decisioning.explain import reason

_STATES: Mapping[RunState, str] = {
    "running": "进行中", "waiting": "有消息待发", "done": "已完成", "failed": "失败", "paused": "已暂停", "cancelled": "已取消",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ActionResult:
    """One action over a run."""

    title: str
    chosen: int
    mean_propensity: float
    converted: int


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """A run as of the moment of asking."""

    run_id: str
    campaign: str
    moment: str
    state: RunState
    reason: str
    """Why it was paused or cancelled, or failed."""
    as_of: str
    """When it was asked for."""
    customers: int
    arms: Mapping[str, int]
    silent: int
    """Treated customers for whom the policy chose to say nothing."""
    forbidden: Mapping[str, int]
    """Suppressed customers by the rules that forbade every message to them."""
    briefs: int
    from_model: int
    templates: Mapping[str, int]
    """Briefs that templates wrote, by "language:why" (`templates_in_words`)."""
    """Briefs whose words a model wrote."""
    prompt_tokens: int
    completion_tokens: int
    candidates: int
    passed: int
    rejected: Mapping[str, int]
    states: Mapping[str, int]
    refused: Mapping[str, int]
    dead: Mapping[str, int]
    in_doubt: int
    mature: bool
    lift: Lift | None
    actions: Sequence[ActionResult]
    policy_before: str
    policy_after: str
    replayed: bool
    """The past was replayed: nobody was really written to."""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def render_text(report: RunReport, language: Language) -> str:
    """The report as text."""
    zh = language == "zh"

    def say(english: str, chinese: str) -> str:
        return chinese if zh else english

    lines = [
        say(
            f"Report of {report.run_id} (campaign {report.campaign}, {report.moment}), as of {report.as_of}",
            f"{report.run_id} 的报告（活动 {report.campaign}，{report.moment}），截至 {report.as_of}",
        ),
        "",
        say("State       ", "状态        ") + state_in_words(report.state, report.reason, language),
    ]
    arms = report.arms
    lines.append(
        say(
            f"Decided     {report.customers} customers: {arms.get('treated', 0)} treated "
            f"({report.silent} of them by saying nothing), {arms.get('holdout', 0)} held out, "
            f"{arms.get('suppressed', 0)} suppressed",
            f"决策        {report.customers} 位顾客：触达 {arms.get('treated', 0)}（其中 {report.silent} 位选择不打扰），"
            f"对照 {arms.get('holdout', 0)}，不可触达 {arms.get('suppressed', 0)}",
        )
    )
    lines += [f"              {count:>6}  {reason(code, language)}" for code, count in report.forbidden.items()]
    share = report.passed / report.candidates if report.candidates else 0.0
    lines.append(
        say(
            f"Written     {report.briefs} distinct briefs: {report.from_model} by the model, "
            f"{report.briefs - report.from_model} from templates; {report.prompt_tokens} + {report.completion_tokens} tokens",
            f"文案        {report.briefs} 个不同的任务：模型写 {report.from_model} 个，模板 {report.briefs - report.from_model} 个；"
            f"词元 {report.prompt_tokens} + {report.completion_tokens}",
        )
    )
    lines += [f"            {line}" for line in templates_in_words(report.templates, language)]
    lines.append(
        say(
            f"            {report.passed} of {report.candidates} candidates passed every check ({share:.0%}); refused:",
            f"            {report.candidates} 个候选中 {report.passed} 个通过全部检查（{share:.0%}）；被拒原因：",
        )
    )
    lines += [f"              {count:>6}  {_why(code, language)}" for code, count in report.rejected.items()]
    states = report.states
    waiting = sum(states.get(name, 0) for name in ("waiting", "claimed", "sending"))
    lines.append(
        say(
            f"Delivered   {states.get('sent', 0)} sent, {waiting} waiting, {states.get('refused', 0)} refused at the door, "
            f"{states.get('dead', 0)} dead, {states.get('in_doubt', 0)} ended in doubt, {report.in_doubt} attempts in doubt",
            f"投递        已发 {states.get('sent', 0)}，待发 {waiting}，发送前拦下 {states.get('refused', 0)}，"
            f"死信 {states.get('dead', 0)}，存疑结束 {states.get('in_doubt', 0)}，存疑 {report.in_doubt} 次",
        )
    )
    lines += [f"              {count:>6}  {reason(code, language)}" for code, count in report.refused.items()]
    lines += [f"              {count:>6}  {code}" for code, count in report.dead.items()]
    lines.append("")
    lines += _answers(report, language)
    return "\n".join(lines)


def state_in_words(state: RunState, reason: str, language: Language) -> str:
    """Where a run stands, and why."""
    words = _STATES[state] if language == "zh" else state
    return f"{words}{'：' if language == 'zh' else ': '}{reason}" if reason else words


def templates_in_words(templates: Mapping[str, int], language: Language) -> list[str]:
    """Why templates wrote what they wrote, a line each, and what to do about it."""
    zh = language == "zh"
    lines = []
    for key, count in templates.items():
        of, _, why = key.partition(":")
        name = {"en": "英文" if zh else "English", "zh": "中文" if zh else "Chinese"}[of]
        if why == "no_model":
            lines.append(
                f"{count} 个{name}任务由模板写成：没有配置会写{name}的模型（在 zhanggui.toml 的 [model] 中指定）"
                if zh
                else f"{count} {name} briefs came from templates: no model that writes {name} is named ([model] in zhanggui.toml)"
            )
        else:
            lines.append(
                f"{count} 个{name}任务由模板写成：没有候选通过检查"
                if zh
                else f"{count} {name} briefs came from templates: no candidate passed the checks"
            )
    return lines


def _answers(report: RunReport, language: Language) -> list[str]:
    zh = language == "zh"
    lines = []
    if report.lift is None:
        lines.append("尚无可比较的反馈。" if zh else "Responses   none to compare yet.")
    else:
        c, r = report.lift.conversion, report.lift.revenue_minor
        lines += [
            f"{'反馈' if zh else 'Responses'}   {'触达' if zh else 'treated'} {report.lift.treated}: {c.treated:.2%}, "
            f"{'对照' if zh else 'holdout'} {report.lift.holdout}: {c.holdout:.2%} "
            f"{'的顾客下了单' if zh else 'of customers bought'}",
            f"            {'人均消费之差（分）' if zh else 'revenue a customer (minor units), difference'} "
            f"{r.difference:+.0f} ({r.low:+.0f} – {r.high:+.0f})",
            f"            {report.lift.in_words(language)}",
        ]
        if report.lift.ratio_p < 0.001:
            lines.append(
                "            两组人数与计划不符，请先查明原因。"
                if zh
                else "            The groups' sizes do not fit the plan: find out why before believing any of it."
            )
        if not report.mature:
            lines.append(
                "            归因窗口尚未结束，数字还会变。"
                if zh
                else "            The attribution window is still open: the figures will change."
            )
    if report.replayed:
        lines.append(
            "            这是对历史的重放：当时并没有真正发出任何消息，所以诚实的答案是没有效果，差异只是偶然。"
            if zh
            else "            This replays the past: nothing was really sent then, so the honest answer is no effect, "
            "and any difference is chance."
        )
    lines.append(f"{'策略' if zh else 'Policy'}      {report.policy_before} → {report.policy_after}")
    for one in report.actions:
        lines.append(
            f"              {one.chosen:>6}  {one.title} ({'平均概率' if zh else 'mean propensity'} "
            f"{one.mean_propensity:.1%}, {'下单' if zh else 'bought'} {one.converted})"
        )
    return lines


def _why(code: str, language: Language) -> str:
    kind = code.removeprefix("claim:")
    if kind != code:
        return f"没有依据的说法：{kind}" if language == "zh" else f"a claim without evidence: {kind}"
    if code in MESSAGES:
        return MESSAGES[code][language == "zh"]
    return {"copied_example": ("it copies an example", "照抄了示例")}.get(code, (code, code))[language == "zh"]
