"""A tiny decoder scores texts: batches and padding change nothing, and the figure is what the model itself says."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers", reason="the extra `train` is not installed")
pytestmark = pytest.mark.filterwarnings("default")  # the training libraries warn about themselves

from zhanggui.errors import TrainingError  # noqa: E402
from zhanggui.evaluation.bootstrap import figure, resample  # noqa: E402
from zhanggui.evaluation.fluency import perplexity  # noqa: E402
from zhanggui.training.perplexity import scorer  # noqa: E402

TEXTS = ["好茶", "a quiet evening", "", "宽松的阔腿裤，怎么穿都显腿长。", *(f"{n} cups" * n for n in range(1, 20))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from tokenizers.trainers import BpeTrainer
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, set_seed

    set_seed(3)
    folder = tmp_path_factory.mktemp("decoder")
    plain = Tokenizer(BPE())
    plain.pre_tokenizer = ByteLevel(add_prefix_space=False)
    plain.train_from_iterator(TEXTS, BpeTrainer(special_tokens=["<end>"], initial_alphabet=ByteLevel.alphabet()))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<end>", pad_token="<end>")
    tokenizer.save_pretrained(folder)
    shape = GPT2Config(
        vocab_size=len(tokenizer), n_embd=32, n_layer=2, n_head=2, n_positions=64, bos_token_id=0, eos_token_id=0
    )
    GPT2LMHeadModel(shape).save_pretrained(folder)
    return folder


def test_each_text_scores_what_the_model_says_of_it_alone(folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    found = scorer(str(folder))(TEXTS)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    for text, (lost, tokens) in zip(TEXTS, found, strict=True):
        ids = torch.tensor([[0, *tokenizer(text)["input_ids"]][:64]])
        assert tokens == ids.shape[1] - 1
        if tokens:
            with torch.inference_mode():
                alone = float(model(input_ids=ids, labels=ids).loss) * tokens
            assert lost == pytest.approx(alone, rel=1e-4)
        else:
            assert lost == 0


def test_perplexity_of_a_model_that_knows_nothing_is_about_its_vocabulary(folder: Path) -> None:
    from transformers import AutoTokenizer

    one = perplexity(TEXTS, scorer(str(folder)))
    found = figure(one, resample([one], replicates=50, seed=1)[0])
    assert found.low <= found.value <= found.high
    assert np.log(found.value) == pytest.approx(np.log(len(AutoTokenizer.from_pretrained(folder))), rel=0.1)


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"none\.gguf cannot be opened"):
        scorer(str(tmp_path / "none.gguf"))
