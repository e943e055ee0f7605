"""Dropout (Srivastava et al. 2014) for training on a processor, where drawing the mask takes a quarter of a LoRA's step."""

from typing import Any


def quicken(model: Any) -> None:
    """Put a quicker one in the place of each `nn.Dropout` of a model that is trained on a processor.

    torch draws a 64-bit number for each value there; this one draws it for four, so that a share is right to 1 / 65536.
    On a GPU torch's own is left: it draws in parallel.
    """
    from torch import nn

    if next(model.parameters()).device.type != "cpu":
        return
    kind = _kind()
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Dropout:
                setattr(parent, name, kind(child.p).train(child.training))


def _kind() -> Any:
    import torch
    from torch import nn

    class Masked(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, values: Any, share: float) -> Any:
            ctx.scale = 1 / (1 - share)
            drawn = torch.randint(-(2**63), 2**63 - 1, ((values.numel() + 3) // 4,))
            kept = drawn.view(torch.int16)[: values.numel()].view(values.shape) >= round(share * 2**16) - 2**15
            ctx.save_for_backward(kept)
            return torch.where(kept, values, 0).mul_(ctx.scale)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            (kept,) = ctx.saved_tensors
            return torch.where(kept, gradient, 0).mul_(ctx.scale), None

    class Dropout(nn.Dropout):  # type: ignore[misc]
        def forward(self, values: Any) -> Any:
            if not self.training or self.p == 0:
                return values
            return Masked.apply(values, self.p)

    return Dropout
