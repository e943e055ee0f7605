"""New models for pretraining, in Hugging Face's classes, so that what comes out loads anywhere."""

from typing import Any

from zhanggui.training.chats import beginning
from zhanggui.training.settings import ShapeSettings


def new_model(shape: ShapeSettings, tokenizer: Any, *, context: int) -> Any:
    """A model with random weights: BERT with both heads, GPT-2 or Llama."""
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    common: dict[str, Any] = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    if shape.kind == "bert":
        from transformers import BertConfig

        return bert_for_pretraining()(
            BertConfig(
                hidden_size=shape.hidden,
                num_hidden_layers=shape.layers,
                num_attention_heads=shape.heads,
                intermediate_size=4 * shape.hidden,
                max_position_embeddings=context,
                hidden_dropout_prob=shape.dropout,
                attention_probs_dropout_prob=shape.dropout,
                **common,
            )
        )
    ends = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": beginning(tokenizer)}
    if shape.kind == "gpt2":
        return GPT2LMHeadModel(
            GPT2Config(
                n_embd=shape.hidden,
                n_layer=shape.layers,
                n_head=shape.heads,
                n_positions=context,
                resid_pdrop=shape.dropout,
                embd_pdrop=shape.dropout,
                attn_pdrop=shape.dropout,
                **common,
                **ends,
            )
        )
    return LlamaForCausalLM(
        LlamaConfig(
            hidden_size=shape.hidden,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.key_value_heads or shape.heads,
            # Two thirds of four times the width, in steps of 32: as many weights as a plain block (Shazeer 2020).
            intermediate_size=(8 * shape.hidden // 3 + 31) // 32 * 32,
            max_position_embeddings=context,
            tie_word_embeddings=True,
            **common,
            **ends,
        )
    )


def bert_for_pretraining() -> Any:
    """The class `BertForPreTraining` with a loss that is computed at masked tokens only, and adds up over processes."""
    import torch
    from transformers import BertForPreTraining
    from transformers.models.bert.modeling_bert import BertForPreTrainingOutput

    class _Bert(BertForPreTraining):  # type: ignore[misc]
        accepts_loss_kwargs = True
        rows_an_update: int | None = None

        def forward(
            self,
            input_ids: Any = None,
            attention_mask: Any = None,
            token_type_ids: Any = None,
            labels: Any = None,
            next_sentence_label: Any = None,
            num_items_in_batch: Any = None,
            **kwargs: Any,
        ) -> Any:
            if labels is None:
                return super().forward(
                    input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids, **kwargs
                )
            hidden, pooled = self.bert(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).to_tuple()[:2]
            masked = labels != -100
            # In steps of 64, the last ones counting nothing: kernels are made anew for each shape.
            places = masked.flatten().nonzero().squeeze(-1)
            places = torch.nn.functional.pad(places, (0, -len(places) % 64))
            wanted = labels.flatten()[places]
            wanted[masked.sum() :] = -100
            words = self.cls.predictions(hidden.flatten(0, 1)[places]).float()
            follows = self.cls.seq_relationship(pooled).float()
            # Sums over what this process has, divided by what all have: gradients of processes simply add up.
            items = masked.sum() if num_items_in_batch is None else num_items_in_batch
            rows = len(labels) if num_items_in_batch is None else self.rows_an_update
            cross = torch.nn.functional.cross_entropy
            loss = cross(words, wanted, reduction="sum") / items
            loss = loss + cross(follows, next_sentence_label, reduction="sum") / rows
            return BertForPreTrainingOutput(loss=loss, prediction_logits=words, seq_relationship_logits=follows)

    _Bert.__name__ = _Bert.__qualname__ = BertForPreTraining.__name__
    return _Bert
