"""Our encoder beside TF-IDF with logistic regression, and SnowNLP, on the same rows of the Chinese shop reviews.

    pip install 'zhanggui[train,encoder]' snownlp
    zhanggui train pretrain --config examples/pretrain-bert.toml
    zhanggui train classify --config examples/classify-sentiment.toml    # and -topic.toml
    python benchmarks/sentiment.py [--task topic]

Trains on the training part, prints the test part's accuracy and macro-F1, texts per second on one core and on two (tokenizing
included, best of three passes), and bytes. Each contender gets the same cleaned texts; nobody sees test texts before.
"""

import argparse
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REVIEWS = ROOT / "../shared/data/reviews_zh/online_shopping_10_cats.csv"
Predict = Callable[[Sequence[str]], list[str]]


def encoder_onnx(folder: str, threads: int) -> Predict:
    """The exported encoder through onnxruntime, as campaigns would call it."""
    from zhanggui.llm.encoder import Encoder

    encoder = Encoder(folder, threads=threads)
    return lambda texts: [label for label, _ in encoder.classify(texts)]


def encoder_torch(folder: str, threads: int) -> Predict:
    """The artifact's model in float32, batches of 32 alike texts."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()

    def predict(texts: Sequence[str]) -> list[str]:
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        said = [""] * len(texts)
        with torch.inference_mode():
            for start in range(0, len(order), 32):
                places = order[start : start + 32]
                batch = tokenizer([texts[one] for one in places], truncation=True, padding=True, return_tensors="pt")
                batch.pop("token_type_ids", None)
                for place, label in zip(places, model(**batch).logits.argmax(-1).tolist(), strict=True):
                    said[place] = model.config.id2label[label]
        return said

    return predict


def pickled(path: str, threads: int) -> Predict:
    """A pipeline of scikit-learn; it uses one core, so a second one gets a process of its own (see `speed`)."""
    model = pickle.loads(Path(path).read_bytes())
    return lambda texts: list(model.predict(list(texts)))


def snownlp(path: str, threads: int) -> Predict:
    """SnowNLP's naive Bayes; `path` holds its trained tables, "" those that it comes with."""
    from snownlp import sentiment

    if path:
        sentiment.load(path)
    return lambda texts: ["positive" if sentiment.classify(one) > 0.5 else "negative" for one in texts]


def words(text: str) -> list[str]:
    """Of jieba."""
    import logging

    import jieba

    jieba.setLogLevel(logging.WARNING)
    found: list[str] = jieba.lcut(text)
    return found


def fit(kind: str, texts: Sequence[str], labels: Sequence[str], held: tuple[Sequence[str], Sequence[str]]) -> Any:
    """TF-IDF and logistic regression; its C is chosen on the validation part."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    options: dict[str, Any] = {"min_df": 2, "sublinear_tf": True}
    options |= (
        {"analyzer": "char", "ngram_range": (1, 3)}
        if kind == "char"
        else {"tokenizer": words, "token_pattern": None, "lowercase": True, "ngram_range": (1, 2)}
    )
    vectors = TfidfVectorizer(**options)
    seen, asked = vectors.fit_transform(texts), vectors.transform(held[0])
    tried = [LogisticRegression(C=c, max_iter=300).fit(seen, labels) for c in (1.0, 3.0, 10.0)]
    best = max(tried, key=lambda one: one.score(asked, held[1]))
    print(f"  TF-IDF of {kind}: {len(vectors.vocabulary_):,} features, C {best.C:g}", flush=True)
    return make_pipeline(vectors, best)


def speed(make: Callable[[str, int], Predict], path: str, texts: Sequence[str]) -> tuple[float, float]:
    """Texts per second on one core, and on two: two threads, or two processes with half of the texts each, whichever is faster."""
    one = _timed(make, path, 1, [texts])
    two = max(_timed(make, path, 2, [texts]), _timed(make, path, 1, [texts[::2], texts[1::2]]))
    return one, two


def _timed(make: Callable[[str, int], Predict], path: str, threads: int, shares: Sequence[Sequence[str]]) -> float:
    context = get_context("spawn")
    barrier, times = context.Barrier(len(shares)), context.Queue()
    processes = [context.Process(target=_work, args=(make, path, threads, one, barrier, times)) for one in shares]
    for process in processes:
        process.start()
    slowest = [max(passes) for passes in zip(*[times.get() for _ in shares], strict=True)]
    for process in processes:
        process.join()
    return sum(map(len, shares)) / min(slowest)


def _work(make: Callable[[str, int], Predict], path: str, threads: int, texts: Sequence[str], barrier: Any, times: Any) -> None:  # fmt: skip
    os.environ["OMP_NUM_THREADS"] = str(threads)
    predict, passes = make(path, threads), []
    predict(texts[:64])
    for _ in range(3):
        barrier.wait()
        start = time.perf_counter()
        predict(texts)
        passes.append(time.perf_counter() - start)
    times.put(passes)


def size(path: Path) -> int:
    """Bytes of a file, or of a folder's weights and tokenizer."""
    names = ("model.safetensors", "model.onnx", "tokenizer.json")
    return (
        path.stat().st_size
        if path.is_file()
        else sum((path / name).stat().st_size for name in names if (path / name).exists())
    )


def main() -> None:
    """Print one line a contender."""
    from sklearn.metrics import accuracy_score, f1_score

    from zhanggui.storage import ArtifactStore
    from zhanggui.training.corpora import labelled
    from zhanggui.training.export_onnx import encoder_to_onnx
    from zhanggui.training.settings import ColumnSettings

    parser = argparse.ArgumentParser()
    parser.add_argument("--task", choices=("sentiment", "topic"), default="sentiment")
    parser.add_argument("--store", type=Path, default=Path("artifacts"))
    parser.add_argument("--name", help="the classifier's artifact; default: the task's name")
    parser.add_argument("--data", type=Path, default=REVIEWS, help="the CSV, or a folder made of it")
    parser.add_argument("--rows", type=int, help="only so many of each part")
    asked = parser.parse_args()
    made = ArtifactStore(asked.store).get(asked.name or asked.task)
    work = asked.store / ".work" / made.name
    column = "label" if asked.task == "sentiment" else "cat"
    data = labelled(asked.data, ColumnSettings(text="review", label=column), work=work)
    if data.hash != made.data_hash:
        raise SystemExit("the classifier was trained on other data: its split is not this one")
    names = {"0": "negative", "1": "positive"} if asked.task == "sentiment" else {}
    parts = {
        part: ([text for text, _ in rows[: asked.rows]], [names.get(label, label) for _, label in rows[: asked.rows]])
        for part, rows in data.parts.items()
    }
    print(f"{asked.task}: " + ", ".join(f"{len(texts):,} {part}" for part, (texts, _) in parts.items()), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        contenders: list[tuple[str, Callable[[str, int], Predict], str, int]] = []
        for precision in ("int8", "fp32"):
            encoder_to_onnx(made.path / "model", home / precision, precision=precision)  # type: ignore[arg-type]
            contenders.append(
                (f"encoder, ONNX {precision}", encoder_onnx, str(home / precision), size(home / precision))
            )
        contenders.append(
            ("encoder, torch float32", encoder_torch, str(made.path / "model"), size(made.path / "model"))
        )
        for kind in ("char", "words"):
            path = home / f"{kind}.pickle"
            path.write_bytes(pickle.dumps(fit(kind, *parts["train"], parts["validation"])))
            contenders.append((f"TF-IDF ({kind}) + logistic", pickled, str(path), size(path)))
        if asked.task == "sentiment":
            contenders += _snownlp(home, *parts["train"])
        texts, truth = parts["test"]
        print(f"{'':<28} accuracy  macro-F1  texts/s 1 core  2 cores       MB")
        for name, make, path, size_ in contenders:
            said = make(path, 1)(texts)
            scores = accuracy_score(truth, said), f1_score(truth, said, average="macro")
            one, two = speed(make, path, texts if "Snow" not in name else texts[:600])
            print(
                f"{name:<28} {scores[0]:8.4f}  {scores[1]:8.4f}  {one:14,.0f}  {two:7,.0f}  {size_ / 1e6:7.1f}",
                flush=True,
            )


def _snownlp(home: Path, texts: Sequence[str], labels: Sequence[str]) -> list[tuple[str, Any, str, int]]:
    from snownlp import sentiment

    shipped = Path(sentiment.data_path + ".3")
    start = time.perf_counter()
    classifier = sentiment.Sentiment()
    good, bad = ([text for text, label in zip(texts, labels, strict=True) if label == mood] for mood in ("positive", "negative"))  # fmt: skip
    classifier.train(bad, good)
    classifier.save(str(home / "snownlp"))
    print(f"  SnowNLP trained anew in {time.perf_counter() - start:.0f} s", flush=True)
    again = home / "snownlp.3"
    return [
        ("SnowNLP as it comes", snownlp, "", size(shipped) if shipped.exists() else 0),
        ("SnowNLP trained anew", snownlp, str(home / "snownlp"), size(again)),
    ]


if __name__ == "__main__":
    main()
