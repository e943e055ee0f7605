"""Which steps a turn takes, by what was heard: the rules that come before any policy. Knows no sentence.

First the conversation itself (a person has it, one is asked for, a yes is waited for), then what nobody may do here, then
service, then questions, then the search.
"""

import re
from collections.abc import Callable

from zhanggui.conversation import (
    office_hours,
    policy_answers,
    price_ends,
    product_answers,
    service_answers,
    shopping,
    shown_text,
)
from zhanggui.conversation.act import DialogueAct, DialoguePolicy
from zhanggui.conversation.lookups import Lookups, Moment
from zhanggui.conversation.settings import ConversationSettings
from zhanggui.conversation.shopping import Put
from zhanggui.conversation.state import BeliefState
from zhanggui.conversation.track import is_awaited, is_understood, means_order

Step = Callable[[Moment], Put]
_POLICY = ("ask_delivery", "ask_returns", "ask_policy")
_QUESTIONS = {"compare": "compare", "ask_price": "price", "ask_stock": "stock", "ask_attribute": "attribute"}
_SEARCH = ("search", "refine", "dont_care")
_CURE = re.compile(
    r"\b(?:cures?|heals?|treats?|prevents?|remed(?:y|ies)|medicin\w+|good for (?:my )?(?:\w+ )?(?:diabetes|blood|heart|cancer|cold|pain|skin|headaches?|stomach)|lower(?:s)? (?:my )?blood|blood (?:pressure|sugar)|diabet\w+|cancer|disease|lose weight|weight loss|insomnia)\b"
    r"|治|疗效|功效|药效|降(?:血压|血糖|血脂|三高|火)|糖尿病|高血压|癌|失眠|减肥|瘦身|养胃|护肝|壮阳|排毒|孕妇.{0,4}(?:喝|吃|用)",
    re.IGNORECASE,
)
_ANGRY = re.compile(
    r"\b(?:stupid|idiot\w*|useless|moron\w*|dumb|crap\w*|shit\w*|f+u+c+k\w*|scam\w*|liars?|rip[- ]?off|hate you|worst)\b"
    r"|垃圾|傻|滚|骗子|骗人|坑人|坑爹|废物|智障|脑残|有病|破玩意|破店|黑店|无良|去死|他妈|妈的|王八|混蛋",
    re.IGNORECASE,
)
_NO = re.compile(
    r"\b(?:no|not|don'?t|never ?mind|wait|stop)\b|算了|别|先不|不(?:要|用|想|需要)?(?:取消|退|改|换|了)", re.IGNORECASE
)
"""Where a yes is waited for, any of these is none."""
_TAKES = re.compile(r"\b(?:i'?d like|i want|i'?ll|give me|take|buy)\b|要|买|来|拿", re.IGNORECASE)
_MORE = re.compile(
    r"^(?:(?:show|any|some|see)?\s*(?:me )?more(?: please)?|others?|next|anything else|还有(?:别的|其他|其它)?(?:吗|么|呢)?|更多|换一批|下一批|再看几[个款])[\s.?!？。！]*$",
    re.IGNORECASE,
)
_ASKS = re.compile(r"[?？]\s*$|\b(?:what|which)\b|哪|什么|吗$", re.IGNORECASE)
_IS_IT = re.compile(r"^(?:and |but |so )?(?:is|are|does|do|has|how|where|when|why)\b", re.IGNORECASE)
_OTHERS = re.compile(r"\b(?:other|another|else|different)\b|别的|其他|其它|另外", re.IGNORECASE)
_GOODS = re.compile(
    r"\b(?:broken?|damaged|arrived|wrong|missing|late|faulty|cracked|torn|holes?|stain\w*|quality)\b|碎|坏|破|错|漏|裂|脏|没收到|质量|少(?:发|了)",
    re.IGNORECASE,
)
_ASKED = re.compile(r"(?:[?？吗呢]|^(?:how|what|who|where|are you|do you|can you)\b.*)\s*$", re.IGNORECASE)
_IS_AI = re.compile(r"\b(?:bot|robot|ai|human|real person|machine)\b|机器人|真人|人工智能", re.IGNORECASE)


def introduction(lookups: Lookups) -> DialogueAct:
    """Who answers: an AI, of this shop."""
    return DialogueAct(name="greet", about="first", facts={"shop": lookups.shop_name})


def steps(
    moment: Moment,
    lookups: Lookups,
    policy: DialoguePolicy,
    settings: ConversationSettings,
    zone: str,
    *,
    before: BeliefState,
) -> list[Step]:
    """The steps of a turn, in order. `before` is the state that the last turn left."""
    state, heard, text = moment.state, moment.heard, moment.heard.text
    promise = _promise(moment, settings, zone)
    if state.with_person:
        return [_always(DialogueAct(name="wait", about="silent" if state.person_spoke else "told", facts=promise))]
    if heard.has("ask_human"):
        return [_hand_over(promise)]
    if state.pending and service_answers.is_yes(moment, lookups):
        return [lambda now: service_answers.perform(now, lookups), *_promises(moment, lookups)]
    says_no = heard.has("deny") or bool(_NO.search(text))
    dropped: list[Step] = [_drop(said=says_no or heard.has("affirm"))] if state.pending else []
    if dropped and says_no:
        return dropped
    if forbidden := _forbidden(moment, lookups):
        return [*dropped, forbidden]
    if _MORE.search(text) and state.shown:
        return [*dropped, lambda now: shopping.go_on(now, lookups, policy, others=True, choose=False)]
    understood = is_understood(state, heard) or product_answers.claimed_price(moment) is not None
    if not understood and not _ANGRY.search(text):
        return [*dropped, _not_understood(moment)]
    return [*dropped, *_apology(moment), *_wishes(moment, lookups, policy, before=before)] or [
        _small_talk(moment, lookups)
    ]


def _wishes(moment: Moment, lookups: Lookups, policy: DialoguePolicy, *, before: BeliefState) -> list[Step]:
    """What the shopper wants, each wish a step; nothing where it is only talk."""
    state, heard = moment.state, moment.heard
    if product_answers.claimed_price(moment) is not None:
        return [lambda now: product_answers.bargain(now, lookups)]
    wish = next((service_answers.WISHES[intent] for intent in heard.intents if intent in service_answers.WISHES), None)
    if state.request and is_awaited(state, heard):
        again = state.request
        return [lambda now: service_answers.serve(now, lookups, again["wish"], again)]
    if state.request and state.expected in ("proof", "address") and not _is_about_something_else(moment):
        return [_not_understood(moment)]
    if wish is None and heard.named("order_number") and not heard.has(*_POLICY, "complain"):
        wish = before.request.get("wish", "status")
    if wish == "status" and heard.has("ask_attribute") and not heard.named("order_number"):  # "where is it made?"
        wish = None
    if wish is None and state.request and state.expected == "order" and not _is_about_something_else(moment):
        wish = state.request["wish"]
    if wish is None and means_order(before, heard) and not heard.has(*_POLICY, "complain"):
        meant = before.request.get("wish", "status")
        return [lambda now: service_answers.serve(now, lookups, meant, {})]
    found: list[Step] = []
    if wish is not None:
        found.append(lambda now: service_answers.serve(now, lookups, wish, {}))
    found += _promises(moment, lookups)
    if heard.has("bargain"):
        found.append(lambda now: product_answers.bargain(now, lookups))
    only_item = heard.has("search", "refine") and {slot.name for slot in heard.slots} == {"item"} and bool(before.shown)
    asks_which = heard.has("choose") and bool(_ASKS.search(heard.text))  # "what's the cheapest?" takes nothing yet
    if asks_which or (heard.has("choose") and _IS_IT.search(heard.text)):
        found.append(_question("price" if asks_which else "attribute", lookups))
    elif heard.has("choose") or (only_item and _TAKES.search(heard.text)):
        found.append(lambda now: product_answers.check_out(now, lookups))
    open_minded = heard.has("dont_care")  # "I don't know which is better" asks for advice, not for a table
    topics = [
        topic for intent, topic in _QUESTIONS.items() if heard.has(intent) and not (open_minded and topic == "compare")
    ]
    found += [_question(topic, lookups) for topic in topics[:2]]
    if only_item and not found:
        found.append(_question("attribute", lookups))
    searches = (heard.has(*_SEARCH) and not only_item) or (
        before.expected and heard.slots and state != before and not found and not heard.has("complain")
    )
    if wish is not None and not any(slot.name == "category" for slot in heard.slots):
        searches = False  # an order's number is no wish for a product
    if searches and (open_minded or not heard.has("choose", *_QUESTIONS)):
        found.append(_search(moment, lookups, policy, before=before))
    return found


def _promises(moment: Moment, lookups: Lookups) -> list[Step]:
    """The answer to what is asked of the policy pages, if anything is."""
    asked = [intent for intent in moment.heard.intents if intent in _POLICY]
    return [lambda now: policy_answers.policy(now, lookups, asked)] if asked else []


def _is_about_something_else(moment: Moment) -> bool:
    """Whether an utterance leaves what was asked for about an order: it names a thing, or asks for something of its own."""
    heard = moment.heard
    things = any(slot.name in ("category", "price", "item") for slot in heard.slots)
    asks = heard.has(
        *service_answers.WISHES, *_POLICY, *_QUESTIONS, "complain", "thanks", "bargain", "choose", "deny", "greet"
    )
    return things or asks or not is_understood(moment.state, heard)


def _question(topic: str, lookups: Lookups) -> Step:
    return lambda now: product_answers.answer(topic, now, lookups)


def _search(moment: Moment, lookups: Lookups, policy: DialoguePolicy, *, before: BeliefState) -> Step:
    same = shopping.query_of(moment.state, lookups.currency) == shopping.query_of(before, lookups.currency)
    choose = moment.heard.has("dont_care") and bool(before.shown or before.expected or before.asked)
    asks_others = (same and moment.heard.has("refine")) or bool(_OTHERS.search(moment.heard.text))
    others = asks_others and not choose and bool(before.shown)
    return lambda now: (
        price_ends.beyond(now, lookups) or shopping.go_on(now, lookups, policy, others=others, choose=choose)
    )


def _forbidden(moment: Moment, lookups: Lookups) -> Step | None:
    """What the assistant does not talk about: orders to itself, cures, whatever no shop does."""
    text, intents = moment.heard.text, list(moment.heard.intents)
    outside = intents[:1] == ["out_of_scope"] and is_understood(moment.state, moment.heard)
    outside = outside and product_answers.claimed_price(moment) is None  # "your site said 90" is about the shop
    if shown_text.speaks_to_assistant(text) or outside:
        return _always(DialogueAct(name="decline", about="out_of_scope", facts={"shop": lookups.shop_name}))
    if _CURE.search(text):
        act = DialogueAct(name="decline", about="medical")
        return lambda now: Put(acts=(act,), values=product_answers.mentioned(now, lookups))
    return None


def _not_understood(moment: Moment) -> Step:
    """What is missing is asked for again; else the shopper is asked to put it differently, and then offered a person."""
    if moment.state.request and moment.state.expected in ("proof", "address"):
        order = {"order": moment.state.order_id} if moment.state.order_id else {}
        if moment.state.expected == "address":
            return _always(DialogueAct(name="ask_address", facts=order))
        return _always(DialogueAct(name="ask_proof", about="again", facts=order))
    return _always(DialogueAct(name="clarify", about="person" if moment.state.misunderstood > 1 else ""))


def _apology(moment: Moment) -> list[Step]:
    """An apology to who complains or is angry; the second in a row offers a person at once."""
    if not (moment.heard.has("complain") or _ANGRY.search(moment.heard.text)):
        return [lambda _now: Put(acts=(), values={"complaints": 0})] if moment.state.complaints else []
    again = moment.state.complaints > 0 or not _GOODS.search(moment.heard.text)  # not about goods: nothing to return
    act = DialogueAct(name="apologise", about="again" if again else "first")
    return [lambda now: Put(acts=(act,), values={"complaints": now.state.complaints + 1})]


def _small_talk(moment: Moment, lookups: Lookups) -> Step:
    heard, state = moment.heard, moment.state
    if heard.has("thanks"):
        act = DialogueAct(name="close", about="again" if state.stage == "closed" else "")
        return lambda _now: Put(acts=(act,), values={"stage": "closed", "expected": ""})
    if heard.has("greet"):
        return _always(*(() if moment.number == 1 else (DialogueAct(name="greet"),)))
    if heard.has("affirm", "deny"):
        act = DialogueAct(name="small_talk", about="anything_else")
        return lambda _now: Put(acts=(act,), values={"expected": ""})
    asked = bool(_ASKED.search(heard.text))
    about = "ai" if _IS_AI.search(heard.text) else "asked" if asked else ""
    return _always(DialogueAct(name="small_talk", about=about, facts={"shop": lookups.shop_name}))


def _hand_over(promise: dict[str, str]) -> Step:
    act = DialogueAct(name="hand_over", facts=promise)
    return _always(act)


def _drop(*, said: bool) -> Step:
    """What waited for a yes is not done; it is said where the shopper said no."""
    acts = (DialogueAct(name="dropped"),) if said else ()
    return lambda _now: Put(acts=acts, values={"request": {}, "pending": "", "expected": ""})


def _promise(moment: Moment, settings: ConversationSettings, zone: str) -> dict[str, str]:
    """By when a person answers, and the office hours."""
    when = office_hours.when(settings, moment.now, zone, moment.language)
    return {"when": when, "hours": office_hours.hours(settings, moment.language)} if when else {}


def _always(*acts: DialogueAct) -> Step:
    return lambda _now: Put(acts=acts)
