"""Compares: off-policy evaluation, the report of a run."""

from zhanggui.evaluation.ope import Estimate, dr, ips, snips
from zhanggui.evaluation.report import RunReport

__all__ = ["Estimate", "RunReport", "dr", "ips", "snips"]
