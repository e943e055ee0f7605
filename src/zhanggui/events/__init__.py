"""What happened: events of the Segment spec, checked, stored once, read in event time.

Doors that need pydantic or a file are modules of their own: `segment`, `ingest`, `compact`.
"""

from zhanggui.events.event import LOG_SCHEMA, Event, EventType
from zhanggui.events.log import AppendResult, EventLog
from zhanggui.events.settings import EventSettings

__all__ = ["LOG_SCHEMA", "AppendResult", "Event", "EventLog", "EventSettings", "EventType"]
