"""Wrong answers to the exercises of chapter 07."""

from tests.wrong_answers import Wrong

DEEP = """
def deep_gradients(weights, X, y):
    matrices, shifts = weights[::2], weights[1::2]
    inputs = [X]
    for W, b in zip(matrices[:-1], shifts[:-1]):
        inputs.append(np.maximum(inputs[-1] @ W + b, 0))
    scores = inputs[-1] @ matrices[-1] + shifts[-1]
    back = np.exp(scores - scores.max(axis=1, keepdims=True))
    back /= back.sum(axis=1, keepdims=True)
    back[np.arange(len(y)), y] -= 1
    back /= len(y)
    found = []
    for layer in reversed(range(len(matrices))):
        found = [inputs[layer].T @ back, back.sum(axis=0), *found]
        back = back @ matrices[layer].T * (inputs[layer] > 0)
    return found
"""

SERVER = """
class CarefulServer:
    def __init__(self, weights, version, learning_rate, enough, bound=50):
        self.weights, self.version, self.learning_rate, self.enough = weights, version, learning_rate, enough
        self.bound, self.arrivals = bound, []

    def pull(self):
        return self.weights, self.version, self.version < self.enough

    def push(self, worker, version, gradient):
        staleness = self.version - version
        self.arrivals.append((worker, staleness))
        if staleness > self.bound:
            return False
        self.weights = step(self.weights, gradient, self.learning_rate / (1 + staleness))
        self.version += 1
        return True

    def history(self):
        return self.arrivals
"""

RING = """
def ring_all_reduce(vectors, send):
    p = len(vectors)
    chunks = [np.array_split(np.array(vector), p) for vector in vectors]
    for moved in range(2 * (p - 1)):
        for sender in range(p):
            receiver, chunk = (sender + 1) % p, (sender - moved) % p
            numbers = send(sender, receiver, chunks[sender][chunk])
            if moved < p - 1:
                numbers = chunks[receiver][chunk] + numbers
            chunks[receiver][chunk] = numbers
    return [np.concatenate(parts) for parts in chunks]
"""

LOCAL = """
def local_round(weights, shards, learning_rate, n_steps):
    models, rows = [], []
    for X_shard, y_shard in shards:
        model = weights
        for _ in range(n_steps):
            model = step(model, gradients(model, X_shard, y_shard), learning_rate)
        models.append(model)
        rows.append(len(y_shard))
    return [sum(r * W for r, W in zip(rows, parts)) / sum(rows) for parts in zip(*models)]
"""


def but(answer, **changes):
    """`answer` with each old text replaced by a new one; both are given by pairs."""
    for old, new in changes.values():
        assert old in answer, old
        answer = answer.replace(old, new)
    return answer


WRONG = {
    "7.1": [
        Wrong("a sum over the rows", but(DEEP, a=("    back /= len(y)\n", "")), "the loss is their mean"),
        Wrong("no bend on the way back", but(DEEP, a=(" * (inputs[layer] > 0)", "")), "the bend is missing"),
        Wrong(
            "right less predicted",
            but(DEEP, a=("    back /= len(y)\n", "    back /= -len(y)\n")),
            "the sign is turned round",
        ),
        Wrong(
            "in the order of the walk back", but(DEEP, a=("return found", "return found[::-1]")), "stands in reverse"
        ),
        Wrong(
            "two layers only",
            """
def deep_gradients(weights, X, y):
    W1, b1, W2, b2 = weights
    hidden = np.maximum(X @ W1 + b1, 0)
    back = np.exp(hidden @ W2 + b2)
    back /= back.sum(axis=1, keepdims=True)
    back[np.arange(len(y)), y] -= 1
    back /= len(y)
    back_hidden = back @ W2.T * (hidden > 0)
    return [X.T @ back_hidden, back_hidden.sum(axis=0), hidden.T @ back, back.sum(axis=0)]
""",
            "your code raised ValueError",
        ),
        Wrong(
            "the two layers nearest to the end only",
            but(DEEP, a=("return found", "return found[-4:]")),
            "has 4 arrays, expected 6",
        ),
        Wrong("scores not shifted", but(DEEP, a=(" - scores.max(axis=1, keepdims=True)", "")), "is nan or infinite"),
        Wrong(
            "the right class is never subtracted",
            but(DEEP, a=("    back[np.arange(len(y)), y] -= 1\n", "")),
            "is not subtracted",
        ),
        Wrong("nothing returned", but(DEEP, a=("    return found", "    pass")), "does your function return it?"),
        Wrong(
            "weights updated while walking back",
            but(DEEP, a=("        found = [inputs", "        matrices[layer][:] *= 0.5\n        found = [inputs")),
            "is off in",
        ),
        Wrong(
            "weights updated at the end",
            but(
                DEEP,
                a=("    return found", "    for W, G in zip(weights, found):\n        W -= 0.1 * G\n    return found"),
            ),
            "changed in place",
        ),
    ],
    "7.2": [
        Wrong(
            "the plain average",
            """
def combine_gradients(shards, rows):
    return [np.mean(parts, axis=0) for parts in zip(*shards)]
""",
            "the plain average of the shards",
        ),
        Wrong(
            "the sum",
            """
def combine_gradients(shards, rows):
    return [sum(parts) for parts in zip(*shards)]
""",
            "means do not add up",
        ),
        Wrong(
            "weighted, not divided",
            """
def combine_gradients(shards, rows):
    return [sum(n * part for n, part in zip(rows, parts) if n) for parts in zip(*shards)]
""",
            "not divided by the number of all rows",
        ),
        Wrong(
            "divided by the number of shards",
            """
def combine_gradients(shards, rows):
    return [sum(n * part for n, part in zip(rows, parts)) / len(rows) for parts in zip(*shards)]
""",
            "divided by the number of shards",
        ),
        Wrong(
            "an empty shard is multiplied by 0",
            """
def combine_gradients(shards, rows):
    return [sum(n * part for n, part in zip(rows, parts)) / sum(rows) for parts in zip(*shards)]
""",
            "0 * nan is nan",
        ),
        Wrong(
            "an empty shard counts as one row",
            """
def combine_gradients(shards, rows):
    rows = [max(n, 1) for n in rows]
    return [sum(n * np.nan_to_num(part) for n, part in zip(rows, parts)) / sum(rows) for parts in zip(*shards)]
""",
            "with an empty shard",
        ),
        Wrong(
            "empty shards are removed in place",
            """
def combine_gradients(shards, rows):
    for s in reversed(range(len(rows))):
        if not rows[s]:
            del shards[s], rows[s]
    return [sum(n * part for n, part in zip(rows, parts)) / sum(rows) for parts in zip(*shards)]
""",
            "leave the empty shard out without removing it",
        ),
        Wrong(
            "added up in the first shard",
            """
def combine_gradients(shards, rows):
    total = shards[0]
    for i in range(len(total)):
        total[i] *= rows[0] / sum(rows)
        for shard, n in zip(shards[1:], rows[1:]):
            total[i] += shard[i] * n / sum(rows)
    return total
""",
            "changed in place",
        ),
    ],
    "7.3": [
        Wrong("full step for old news", but(SERVER, a=(" / (1 + staleness)", "")), "got the full step"),
        Wrong(
            "divided by the staleness",
            but(SERVER, a=(" / (1 + staleness)", " / max(1, staleness)")),
            "not by 1 + staleness",
        ),
        Wrong(
            "divided by the version",
            but(SERVER, a=(" / (1 + staleness)", " / (1 + self.version)")),
            "is off in",
        ),
        Wrong(
            "the rate shrinks for ever",
            but(
                SERVER,
                a=(
                    "        self.weights = step(self.weights, gradient, self.learning_rate / (1 + staleness))\n",
                    "        self.learning_rate /= 1 + staleness\n"
                    "        self.weights = step(self.weights, gradient, self.learning_rate)\n",
                ),
            ),
            "`learning_rate` must stay as it is",
        ),
        Wrong(
            "the gradient is scaled in place",
            but(
                SERVER,
                a=(
                    "        self.weights = step(self.weights, gradient, self.learning_rate / (1 + staleness))\n",
                    "        for G in gradient:\n            G /= 1 / self.learning_rate * (1 + staleness)\n"
                    "        self.weights = step(self.weights, gradient, 1)\n",
                ),
            ),
            "changed the gradient in place",
        ),
        Wrong("the version stays", but(SERVER, a=("        self.version += 1\n", "")), "counts it up by one"),
        Wrong(
            "the version counts refused gradients",
            but(SERVER, a=("            return False", "            self.version += 1\n            return False")),
            "a refused gradient changed the version",
        ),
        Wrong("refused at the bound", but(SERVER, a=("staleness > self", "staleness >= self")), "above it only"),
        Wrong(
            "never refused",
            but(SERVER, a=("        if staleness > self.bound:\n            return False\n", "")),
            "moved the weights, and the bound is 3",
        ),
        Wrong(
            "refused gradients are not noted",
            but(
                SERVER,
                a=("        self.arrivals.append((worker, staleness))\n", ""),
                b=(
                    "        self.version += 1\n",
                    "        self.arrivals.append((worker, staleness))\n        self.version += 1\n",
                ),
            ),
            "the refused gradient is missing",
        ),
        Wrong(
            "steps in place",
            but(
                SERVER,
                a=(
                    "        self.weights = step(self.weights, gradient, self.learning_rate / (1 + staleness))\n",
                    "        for W, G in zip(self.weights, gradient):\n"
                    "            W -= self.learning_rate / (1 + staleness) * G\n",
                ),
            ),
            "changed arrays that a worker had pulled",
        ),
        Wrong("says nothing", but(SERVER, a=("        return True\n", "")), "returned None: return True"),
        Wrong(
            "the staleness is taken after the step",
            but(
                SERVER,
                a=("staleness = self.version - version", "staleness = self.version + 1 - version"),
            ),
            "half the rate for a fresh gradient",
        ),
    ],
    "7.4": [
        Wrong(
            "summed without the wire",
            """
def ring_all_reduce(vectors, send):
    return [sum(vectors) for _ in vectors]
""",
            "with a dead wire",
        ),
        Wrong(
            "what arrives is ignored",
            but(
                RING,
                a=(
                    "numbers = send(sender, receiver, chunks[sender][chunk])",
                    "send(sender, receiver, chunks[sender][chunk])\n            numbers = chunks[sender][chunk]",
                ),
            ),
            "with a dead wire",
        ),
        Wrong(
            "a server in disguise",
            """
def ring_all_reduce(vectors, send):
    total = np.array(vectors[0])
    for worker in range(1, len(vectors)):
        total = total + send(worker, 0, vectors[worker])
    return [total] + [send(0, worker, total) for worker in range(1, len(vectors))]
""",
            "in the ring it sends to worker",
        ),
        Wrong(
            "one gather step too many",
            but(RING, a=("range(2 * (p - 1))", "range(2 * p - 1 if p > 1 else 0)")),
            "messages where",
            status="wasteful",
        ),
        Wrong(
            "whole vectors round the ring",
            """
def ring_all_reduce(vectors, send):
    p = len(vectors)
    totals, passed = [np.array(vector) for vector in vectors], list(vectors)
    for _ in range(p - 1):
        passed = [send((worker - 1) % p, worker, passed[worker - 1]) for worker in range(p)]
        totals = [total + numbers for total, numbers in zip(totals, passed)]
    return totals
""",
            "send chunks, not vectors",
            status="wasteful",
        ),
        Wrong(
            "the gather phase is missing",
            but(RING, a=("range(2 * (p - 1))", "range(p - 1)")),
            "is off in",
        ),
        Wrong(
            "always added, also in the gather phase",
            but(RING, a=("            if moved < p - 1:\n    ", "")),
            "is off in",
        ),
        Wrong(
            "the mean",
            but(RING, a=("np.concatenate(parts) for", "np.concatenate(parts) / p for")),
            "an all-reduce sums",
        ),
        Wrong(
            "the sender's chunks do not move on",
            but(RING, a=("(sender - moved) % p", "sender")),
            "is off in",
        ),
        Wrong(
            "vectors that do not divide evenly are cut off",
            but(
                RING,
                a=("np.array_split(np.array(vector), p)", "np.split(np.array(vector)[: len(vector) // p * p], p)"),
            ),
            "expected (10,)",
        ),
        Wrong(
            "in place",
            but(
                RING,
                a=("np.array_split(np.array(vector), p)", "np.array_split(vector, p)"),
                b=("            chunks[receiver][chunk] = numbers", "            chunks[receiver][chunk][:] = numbers"),
            ),
            "changed in place",
        ),
        Wrong("nothing returned", but(RING, a=("    return [np", "    [np")), "does your function return it?"),
        Wrong(
            "number by number",
            but(
                RING,
                a=(
                    "send(sender, receiver, chunks[sender][chunk])",
                    "np.array([send(sender, receiver, number) for number in chunks[sender][chunk]])",
                ),
            ),
            "each costs its latency",
            status="wasteful",
        ),
    ],
    "7.5": [
        Wrong("the plain average", but(LOCAL, a=("rows.append(len(y_shard))", "rows.append(1)")), "the plain average"),
        Wrong(
            "one shard after the other",
            but(
                LOCAL,
                a=("    models, rows = [], []\n", "    models, rows, model = [], [], weights\n"),
                b=("        model = weights\n", ""),
            ),
            "went on from where the one before it ended: all start",
        ),
        Wrong(
            "the last shard's model",
            but(
                LOCAL,
                a=("    models, rows = [], []\n", "    models, rows, model = [], [], weights\n"),
                b=("        model = weights\n", ""),
                c=("    return [sum", "    return model\n    return [sum"),
            ),
            "and the last one's weights are the result",
        ),
        Wrong("one step only", but(LOCAL, a=("range(n_steps)", "range(1)")), "this is one step per shard"),
        Wrong(
            "gradients averaged in every step",
            """
def local_round(weights, shards, learning_rate, n_steps):
    X, y = (np.concatenate(parts) for parts in zip(*shards))
    for _ in range(n_steps):
        weights = step(weights, gradients(weights, X, y), learning_rate)
    return weights
""",
            "averages the gradients after every step",
        ),
        Wrong("not divided by the rows", but(LOCAL, a=(" / sum(rows)", "")), "not divided by the number of all rows"),
        Wrong(
            "in place",
            but(
                LOCAL,
                a=(
                    "    return [sum(r * W for r, W in zip(rows, parts)) / sum(rows) for parts in zip(*models)]",
                    "    for W, parts in zip(weights, zip(*models)):\n"
                    "        W[:] = sum(r * part for r, part in zip(rows, parts)) / sum(rows)\n    return weights",
                ),
            ),
            "changed in place",
        ),
    ],
    "7.6": [
        Wrong(
            "no scaling",
            "def learning_rate_at(number, base, base_rows, batch_rows, warmup):\n    return base\n",
            "is not scaled",
        ),
        Wrong(
            "no warm-up",
            """
def learning_rate_at(number, base, base_rows, batch_rows, warmup):
    return base * batch_rows / base_rows
""",
            "the warm-up is missing",
        ),
        Wrong(
            "from zero",
            """
def learning_rate_at(number, base, base_rows, batch_rows, warmup):
    return base * batch_rows / base_rows * min(1, number / warmup if warmup else 1)
""",
            "the warm-up starts from 0",
        ),
        Wrong(
            "one step early",
            """
def learning_rate_at(number, base, base_rows, batch_rows, warmup):
    full = base * batch_rows / base_rows
    return full if number >= warmup - 1 else base + (full - base) * number / (warmup - 1)
""",
            "one step early",
        ),
        Wrong(
            "divides by a warm-up of 0",
            """
def learning_rate_at(number, base, base_rows, batch_rows, warmup):
    full = base * batch_rows / base_rows
    return base + (full - base) * min(1, number / warmup)
""",
            "your code raised ZeroDivisionError",
        ),
        Wrong(
            "never above the base rate for a smaller batch",
            """
def learning_rate_at(number, base, base_rows, batch_rows, warmup):
    full = max(base, base * batch_rows / base_rows)
    return full if number >= warmup else base + (full - base) * number / warmup
""",
            "a batch of half the base's rows",
        ),
        Wrong(
            "rises for ever",
            """
def learning_rate_at(number, base, base_rows, batch_rows, warmup):
    full = base * batch_rows / base_rows
    return full if not warmup else base + (full - base) * number / warmup
""",
            "goes on rising",
        ),
    ],
    "7.7": [
        Wrong(
            "the plain average stays",
            "def rank_share(batch, index, size):\n    return batch[index::size], 1.0\n",
            "a factor of 1 leaves the plain average",
        ),
        Wrong(
            "the part of the rows",
            """
def rank_share(batch, index, size):
    rows = batch[index::size]
    return rows, len(rows) / len(batch)
""",
            "DDP divides by the number of ranks as well",
        ),
        Wrong(
            "upside down",
            """
def rank_share(batch, index, size):
    rows = batch[index::size]
    return rows, len(batch) / (len(rows) * size)
""",
            "upside down",
        ),
        Wrong(
            "the rest is dropped",
            """
def rank_share(batch, index, size):
    each = len(batch) // size
    return batch[index * each : (index + 1) * each], 1.0
""",
            "some rows go to no rank",
        ),
        Wrong(
            "full shares first, the last rank gets what is left",
            """
def rank_share(batch, index, size):
    each = -(-len(batch) // size)
    rows = batch[index * each : (index + 1) * each]
    return rows, len(rows) * size / len(batch)
""",
            "they may differ by one at most",
        ),
        Wrong(
            "the last rank takes the rest",
            """
def rank_share(batch, index, size):
    each = len(batch) // size
    rows = batch[index * each : (index + 1) * each if index < size - 1 else None]
    return rows, len(rows) * size / len(batch)
""",
            "they may differ by one at most",
        ),
        Wrong(
            "padded with rows from the start, as DistributedSampler does",
            """
def rank_share(batch, index, size):
    padded = np.concatenate([batch, batch[: -len(batch) % size]])
    return padded[index::size], 1.0
""",
            "more than one rank",
        ),
        Wrong(
            "rows alone", "def rank_share(batch, index, size):\n    return batch[index::size]\n", "return two things"
        ),
        Wrong(
            "places, not entries",
            """
def rank_share(batch, index, size):
    rows = np.arange(len(batch))[index::size] + 1000
    return rows, len(rows) * size / len(batch)
""",
            "return its entries, not their places",
        ),
    ],
}
