"""Every error that Zhanggui raises on purpose, as one tree. Knows no HTTP: `api` alone maps errors to status codes.

ZhangguiError
├── ConfigError          a setting is wrong: file, key, what to do
├── StorageError         the database or the disk failed us
│   ├── ArtifactError    an artifact is missing, damaged or already there
│   └── BusyError        another process is at it; later it can be done
├── InputError           somebody's data is wrong: source, line, field, problem, hint
│   ├── EventError       an event does not follow the Segment spec
│   ├── ProductError     a product row cannot be sold from
│   ├── OntologyError    an ontology file is wrong
│   ├── ConsentError     a consent record lacks its proof
│   ├── OrderError       an order row does not say what was bought
│   ├── PageError        a policy page cannot be read
│   ├── PredicateError   a segment or an eligibility predicate does not parse or names no feature
│   ├── TemplateError    a Liquid template is broken or names an unknown slot
│   ├── CorpusError      a text file for training is wrong
│   ├── EvaluationError  rows to evaluate are wrong, or do not belong together
│   ├── ConversationError  a turn of a conversation cannot be taken
│   └── CampaignError    a campaign file is wrong
├── ModelError           a language model could not be loaded or did not answer
├── TrainingError        a training job cannot start, or made a model that may not be used
├── PolicyError          a policy was asked for something it cannot do
├── FlowError            a run or another flow stands still, so that this cannot be done with it
├── DeliveryError        a channel is set up wrongly (a single failed message is a receipt, not an error)
├── AccessError          an API key is missing, unknown or revoked
│   └── ScopeError       a good API key is not for this
└── NotFoundError        no such customer, campaign, run or report, or a link that is none of ours
"""


class ZhangguiError(Exception):
    """Base of every error raised on purpose. The message says what is wrong, where, and what to do."""


class ConfigError(ZhangguiError):
    """A setting is wrong or missing."""


class StorageError(ZhangguiError):
    """The database or the disk failed."""


class ArtifactError(StorageError):
    """An artifact is missing, damaged or already there."""


class BusyError(StorageError):
    """Another process is at it; later it can be done."""


class InputError(ZhangguiError):
    """Somebody's data is wrong.

    `field` is the dotted path inside the row ("" for the whole row), `problem` what is wrong with it and
    `hint` what to do. `source` and `line` (1-based) say where, when the data came from a file.
    """

    def __init__(
        self, problem: str, *, field: str = "", hint: str = "", source: str = "", line: int | None = None
    ) -> None:
        self.problem, self.field, self.hint, self.source, self.line = problem, field, hint, source, line
        super().__init__(problem)

    def at(self, source: str, line: int | None) -> "InputError":
        """The same error, found at `source`:`line`."""
        return type(self)(self.problem, field=self.field, hint=self.hint, source=source, line=line)

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line is not None else self.source
        parts = [part for part in (place, self.field) if part]
        text = ": ".join([*parts, self.problem])
        return f"{text} ({self.hint})" if self.hint else text


class EventError(InputError):
    """An event does not follow the Segment spec."""


class ProductError(InputError):
    """A product row cannot be sold from."""


class OntologyError(InputError):
    """An ontology file is wrong."""


class ConsentError(InputError):
    """A consent record lacks its proof."""


class OrderError(InputError):
    """An order row does not say what was bought, or a part of it cannot be read."""


class PageError(InputError):
    """A policy page cannot be read."""


class PredicateError(InputError):
    """A segment or eligibility predicate does not parse, or names no known feature."""


class TemplateError(InputError):
    """A Liquid template is broken or names an unknown slot."""


class CorpusError(InputError):
    """A file of texts, or a row of it, cannot be trained on."""


class EvaluationError(InputError):
    """Rows to evaluate are wrong or do not belong together, or what is needed to evaluate them is missing."""


class ConversationError(InputError):
    """A turn of a conversation cannot be taken: its key belongs to another one."""


class CampaignError(InputError):
    """A campaign file is wrong."""


class ModelError(ZhangguiError):
    """A language model could not be loaded or did not answer."""


class TrainingError(ZhangguiError):
    """A training job cannot start, or what it made lost more than its limits allow."""


class PolicyError(ZhangguiError):
    """A policy was asked for something it cannot do."""


class FlowError(ZhangguiError):
    """A run or another flow is paused, cancelled or done, so that this cannot be done with it."""


class DeliveryError(ZhangguiError):
    """A channel is set up wrongly. A single failed message is a receipt, not an error."""


class AccessError(ZhangguiError):
    """An API key is missing, unknown or revoked."""


class ScopeError(AccessError):
    """An API key is good, but not for this."""


class NotFoundError(ZhangguiError):
    """No such customer, campaign, run or report, or a link that is none of ours."""
